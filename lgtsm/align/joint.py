"""One place seen in many frames: the pictures, where they show it, and solving at two sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import interpolate

from ..fills.averaging import halve
from .flow import CELL, even, sample_at, to_pixels

_KNOWN_SHARE = 0.9
"""Share of a pixel of half size that must be known for it to count."""
_SAMPLED_SHARE = 0.95
"""The same of a sample between pixels."""


@dataclass(frozen=True)
class Views:
    """Part of a frame, and where other frames show it.

    grey: (1,1,h,w) of the part; known: (1,1,h,w) of it; others: (R,2,H,W) whole frames, grey and
    known, in one batch because that is sampled in parallel; coords: (R,2,h,w) in their pixels.
    """

    grey: Tensor
    known: Tensor
    others: Tensor
    coords: Tensor

    def at(self, coords: Tensor) -> tuple[Tensor, Tensor]:
        """Return grey (R,1,h,w) of the other frames at coords (R,2,h,w), and 1 where it is known."""
        both = sample_at(self.others, coords, padding="zeros")
        return both[:, :1], (both[:, 1:] > _SAMPLED_SHARE).to(both.dtype)

    def halved(self) -> Views:
        """Return everything at half size."""
        known = (halve(even(self.known)) > _KNOWN_SHARE).to(self.grey.dtype)
        return Views(
            halve(even(self.grey)),
            known,
            halve(even(self.others)),
            halve(even(self.coords)) / 2,
        )


def solve_by_halves(
    views: Views, steps: tuple[int, int], count: int, improve: Callable[[Views, Tensor], Tensor]
) -> Tensor:
    """Improve motions of zero at half size, then at full size.

    Args:
        views: at full size.
        steps: how often at half and at full size.
        count: of motions, N.
        improve: does one step on motions (N,2,h',w') of cells, in pixels of the size at hand.

    Returns:
        (N,2,h,w) motions of the pixels.
    """
    motion: Tensor | None = None
    for level, number in zip((views.halved(), views), steps, strict=True):
        cells = tuple(-(-side // CELL) for side in level.grey.shape[-2:])
        if motion is None:
            motion = level.grey.new_zeros(count, 2, *cells)
        else:
            motion = 2 * interpolate(motion, size=cells, mode="bilinear", align_corners=False)
        for _ in range(number):
            motion = improve(level, motion)
    return to_pixels(motion, views.grey.shape[-2:])
