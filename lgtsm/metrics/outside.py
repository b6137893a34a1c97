"""Changes outside the mask, and whether they are those of an encoder."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d

from .fidelity import psnr
from .no_reference import RunningMean, widen

_BLOCK = 8
"""Side of the blocks whose mean is compared: an encoder changes pixels, hardly their mean."""
_BESIDE = 16
"""Pixels around the mask without such blocks: a block of the encoder holds old and new content there."""
_LEAST_PSNR = 3.0
"""Decibels by which a result may be below the encoded source. Over eight films of 16 frames, a hole in
the picture moved it by at most 0.25; in films of 64x48 and 96x64, mostly beside the hole, by 1.2 and 2.3."""
_MOST_BLOCK = 2.0
"""Factor by which its worst block may be above; it was 1.4 there."""


@dataclass
class OutsideChange:
    """Squared error and worst block of the known pixels, over all frames so far."""

    error: RunningMean = field(default_factory=RunningMean)
    worst_block: float = 0.0
    """Largest change of the mean of 8x8 pixels, in levels of 255."""

    def add(self, original: Tensor, result: Tensor, hole: Tensor) -> None:
        """Add a frame.

        Args:
            original: (3,H,W) in [0,1].
            result: (3,H,W).
            hole: (1,H,W), 0 or 1, with the pixels beside it that may change.
        """
        change = result - original
        self.error.add(change.square().mean(0)[hole[0] == 0])
        if min(hole.shape[1:]) >= _BLOCK:
            near = max_pool2d(widen(hole, _BESIDE)[None], _BLOCK)[0]
            means = avg_pool2d(change[None], _BLOCK)[0].abs().amax(0, keepdim=True)
            self.worst_block = max(
                self.worst_block, 255 * float(torch.where(near > 0, 0, means).max())
            )

    @property
    def psnr(self) -> float | None:
        """PSNR in dB; None without such a pixel, infinite where none changed."""
        mean = self.error.mean
        return None if mean is None else psnr(mean)

    def is_more_than(self, encoded: OutsideChange) -> str:
        """Return what shows that more changed than the encoded source has; empty if nothing does."""
        mine, theirs = self.psnr or math.inf, encoded.psnr or math.inf
        if mine < theirs - _LEAST_PSNR:
            return (
                f"outside the mask the result keeps {mine:.1f} dB, where encoding the source keeps "
                f"{theirs:.1f} dB (is --quality the one it was written with, and the mask the one that was used?)"
            )
        if self.worst_block > _MOST_BLOCK * encoded.worst_block + 1:
            return (
                f"a block of pixels outside the mask changed by {self.worst_block:.1f} of 255, where "
                f"encoding the source changes none by more than {encoded.worst_block:.1f}"
            )
        return ""
