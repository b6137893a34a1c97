"""Masks that wait, at one bit a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class PackedMask:
    """A mask (1,H,W) bool in an eighth of its memory.

    bits: of its pixels, row by row; size: (H,W).
    """

    bits: np.ndarray
    size: tuple[int, int]

    @classmethod
    def of(cls, mask: Tensor) -> PackedMask:
        """Pack a mask (1,H,W); pixels above 0 are in it."""
        height, width = mask.shape[1:]
        return cls(np.packbits((mask > 0).cpu().numpy()), (height, width))

    def mask(self) -> Tensor:
        """Return (1,H,W) bool."""
        height, width = self.size
        bits = np.unpackbits(self.bits, count=height * width)
        return torch.from_numpy(bits).bool().view(1, height, width)
