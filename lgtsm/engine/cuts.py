"""Scene cuts: nothing is copied or remembered across them."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

_GRID = (9, 16)
"""Blocks (rows, columns) whose mean colour is compared: coarse enough to ignore camera motion."""
_LEVELS = 16
_MIN_CHANGE = 0.10
"""Mean change of block colours, of 1, below which nothing is a cut, however calm the shot was."""
_FACTOR = 4.0
"""A cut changes this many times as much as the median of the frames before."""
_HISTOGRAM_CHANGE = 0.30
"""Share of pixels that must also move to another grey level: fast pans change blocks alone."""


class CutDetector:
    """Compares every frame with the one before it."""

    def __init__(self) -> None:
        self._blocks: Tensor | None = None
        self._histogram: Tensor | None = None
        self._changes: deque[float] = deque(maxlen=12)

    def is_cut(self, frame: Tensor) -> bool:
        """Tell whether a new shot begins with this frame.

        Args:
            frame: (3,H,W) in [0,1]; to be called once for every frame, in order.

        Returns:
            True for the first frame of a new shot; the very first frame is none.
        """
        blocks = adaptive_avg_pool2d(frame.float(), _GRID)
        grey = adaptive_avg_pool2d(frame.float().mean(0, keepdim=True), (72, 128))
        histogram = torch.histc(grey, _LEVELS, 0, 1) / grey.numel()
        before, shares = self._blocks, self._histogram
        self._blocks, self._histogram = blocks, histogram
        if before is None or shares is None:
            return False
        change = float((blocks - before).abs().mean())
        moved = float((histogram - shares).abs().sum()) / 2
        usual = sorted(self._changes)[len(self._changes) // 2] if self._changes else 0.0
        if change > max(_MIN_CHANGE, _FACTOR * usual) and moved > _HISTOGRAM_CHANGE:
            self._changes.clear()
            return True
        self._changes.append(change)
        return False
