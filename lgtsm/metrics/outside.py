"""Changes outside the mask, and whether they are those of an encoder."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d

from .fidelity import psnr
from .no_reference import RunningMean, widen

_BLOCK = 8
"""Side of the blocks whose mean is compared: an encoder changes pixels, hardly their mean."""
_BESIDE = 16
"""Pixels around the mask where a block of the encoder holds old and new content; judged apart."""
_LEAST_PSNR = 1.5
"""Decibels by which known pixels may be below those of the encoded source. Of 54 films (rendered scenes of
64x48, 160x90 and 320x180, three cameras, two qualities, holes that show the truth, grey or noise) they were
below by at most 0.8, far from the hole and beside it."""
_MOST_BLOCK = 2.0
"""Factor by which the worst block may be above that of the encoded source, in colour and in brightness; they
were at most 1.5 and, of 54 such films, 1.6 times as far off."""


@dataclass
class OutsideChange:
    """Squared error and worst block of the known pixels, over all frames so far."""

    far: RunningMean = field(default_factory=RunningMean)
    beside: RunningMean = field(default_factory=RunningMean)
    """The same of the pixels whose block of the encoder may hold some of the hole."""
    worst_block: float = 0.0
    """Largest change of the mean of 8x8 far pixels, in any colour, in levels of 255."""
    worst_luma: float = 0.0
    """The same of their luma: an encoder keeps it far better than it keeps colours."""

    def add(self, original: Tensor, result: Tensor, hole: Tensor) -> None:
        """Add a frame.

        Args:
            original: (3,H,W) in [0,1].
            result: (3,H,W).
            hole: (1,H,W), 0 or 1, with the pixels beside it that may change.
        """
        from kornia.color import rgb_to_grayscale

        change = result - original
        error, near = change.square().mean(0), widen(hole, _BESIDE)
        self.far.add(error[near[0] == 0])
        self.beside.add(error[(near - hole)[0] > 0])
        if min(hole.shape[1:]) >= _BLOCK:
            means = avg_pool2d(change[None], _BLOCK)
            means = torch.where(max_pool2d(near[None], _BLOCK) > 0, 0, means)
            self.worst_block = max(self.worst_block, 255 * float(means.abs().max()))
            self.worst_luma = max(self.worst_luma, 255 * float(rgb_to_grayscale(means).abs().max()))

    @property
    def count(self) -> int:
        """Number of known pixels."""
        return self.far.count + self.beside.count

    @property
    def psnr(self) -> float | None:
        """PSNR of all known pixels in dB; None without one, infinite where none changed."""
        total = self.far.total + self.beside.total
        return psnr(total / self.count) if self.count else None

    def is_more_than(self, encoded: OutsideChange) -> str:
        """Return what shows that more changed than the encoded source has; empty if nothing does."""
        for where, mine, theirs in (
            ("outside the mask", self.far.mean, encoded.far.mean),
            (f"within {_BESIDE} px of the mask", self.beside.mean, encoded.beside.mean),
        ):
            if mine and theirs is not None and psnr(mine) < psnr(theirs) - _LEAST_PSNR:
                return (
                    f"{where} the result keeps {psnr(mine):.1f} dB, where encoding the source keeps "
                    f"{psnr(theirs):.1f} dB (is --quality the one it was written with, and the mask "
                    "the one that was used?)"
                )
        for kind, mine, theirs in (
            ("", self.worst_block, encoded.worst_block),
            (" in brightness", self.worst_luma, encoded.worst_luma),
        ):
            if mine > _MOST_BLOCK * theirs + 1:
                return (
                    f"a block of pixels outside the mask changed by {mine:.1f} of 255{kind}, where "
                    f"encoding the source changes none by more than {theirs:.1f}"
                )
        return ""
