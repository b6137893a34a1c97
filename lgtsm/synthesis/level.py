"""One size of a picture that is being completed: which patches are needed and which may be copied."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, pad

from ..fills.averaging import halve, pad_even, size_of
from ..fills.depth import rings
from .texture import NUM_COLOURS

RADIUS = 3
"""Patches are squares of 7x7 pixels at every size: 5x5 loses lines, 9x9 repeats whole objects."""
# set by hand, not swept
_STRIDE = 2  # pixels between the patches that are needed: every pixel still lies in nine at least
_FEWEST_SOURCES = 400  # source patches that the smallest size must offer
_SMALL_DEPTH = 3  # rings to the middle of the hole at which no smaller size is needed
_MOST_DEPTH = 255  # rings that are told apart


@dataclass(frozen=True)
class Level:
    """A picture at one size; pixels and patches are named by their number in row order.

    picture: (1,5,h,w) colours and texture (see `with_texture`), the hole filled with the guess so far.
    guide: (1,3,h,w) colours, the hole filled with what its border suggests.
    hole: (1,1,h,w) bool, True = to be completed.
    trusted: (1,1,h,w) bool, True = may be copied from.
    pixels: numbers of the hole's pixels.
    targets: numbers of the centres of the patches that together cover the hole.
    sources: numbers of the centres of the patches that are trusted as a whole.
    is_source: (h*w,) bool of these.
    depth: (h*w,) how many rings inside the hole a pixel lies, 0 outside.
    """

    picture: Tensor
    guide: Tensor
    hole: Tensor
    trusted: Tensor
    pixels: Tensor
    targets: Tensor
    sources: Tensor
    is_source: Tensor
    depth: Tensor

    @classmethod
    def of(cls, picture: Tensor, guide: Tensor, hole: Tensor, trusted: Tensor) -> Level:
        """Find the patches of a picture with a hole and what is trusted; see the fields."""
        height, width = size_of(picture)
        rows = torch.arange(height, device=picture.device)
        columns = torch.arange(width, device=picture.device)
        inner = _inside(rows)[:, None] & _inside(columns)[None]
        on_grid = _on_grid(rows)[:, None] & _on_grid(columns)[None]
        side = 2 * RADIUS + 1
        touching = max_pool2d(hole.float(), side, 1, RADIUS)[0, 0] > 0
        untrusted = max_pool2d((~trusted).float(), side, 1, RADIUS)[0, 0] > 0
        is_source = (inner & ~untrusted).flatten()
        return cls(
            picture=picture,
            guide=guide,
            hole=hole,
            trusted=trusted,
            pixels=hole.flatten().nonzero()[:, 0],
            targets=(touching & inner & on_grid).flatten().nonzero()[:, 0],
            sources=is_source.nonzero()[:, 0],
            is_source=is_source,
            depth=rings(hole.float(), _MOST_DEPTH).flatten(),
        )

    @property
    def width(self) -> int:
        """Pixels of a row."""
        return self.picture.shape[-1]

    @property
    def values(self) -> Tensor:
        """The picture's pixels by number, (h*w,5)."""
        return self.picture[0].flatten(1).T

    def patch_offsets(self) -> tuple[Tensor, Tensor]:
        """Return rows and columns (49,) of a patch's pixels relative to its centre."""
        side = torch.arange(-RADIUS, RADIUS + 1, device=self.picture.device)
        rows, columns = torch.meshgrid(side, side, indexing="ij")
        return rows.flatten(), columns.flatten()


def _inside(numbers: Tensor) -> Tensor:
    """Tell which rows or columns are centres of whole patches."""
    return (numbers >= RADIUS) & (numbers < len(numbers) - RADIUS)


def _on_grid(numbers: Tensor) -> Tensor:
    """Tell which rows or columns carry needed patches: every second, and the last possible one."""
    return ((numbers - RADIUS) % _STRIDE == 0) | (numbers == len(numbers) - 1 - RADIUS)


def build_levels(whole: Level) -> list[Level]:
    """Return a picture at its own size, half of it and so on, as far as it helps."""
    levels = [whole]
    while float(levels[-1].depth.max()) > _SMALL_DEPTH:
        last = levels[-1]
        known = pad_even((~last.hole).to(last.picture.dtype))
        mass = halve(known)
        mean = halve(pad_even(last.picture) * known) / mass.clamp_min(1e-6)
        trusted = (halve(pad_even(last.trusted.to(known.dtype))) > 0.99) & (mass > 0.99)
        guess = halve(pad_even(last.picture))
        picture = torch.where(mass > 0.49, mean, guess)
        guide = torch.where(mass > 0.49, mean[:, :NUM_COLOURS], halve(pad_even(last.guide)))
        half = Level.of(picture, guide, mass < 0.49, trusted)
        if len(half.sources) < _FEWEST_SOURCES:
            break
        levels.append(half)
    return levels


def margins(values: Tensor) -> Tensor:
    """Repeat the borders of (1,C,h,w) by a patch's radius, so that filters keep the size."""
    return pad(values, (RADIUS,) * 4, mode="replicate")
