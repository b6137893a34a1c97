"""Detection of hard cuts; nothing is copied or remembered across them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

_GRID = (9, 16)
"""Blocks (rows, columns) whose mean colours are compared: coarse enough to ignore camera motion."""
_FINE = (72, 128)
"""Size (height, width) of the grey picture whose histogram is compared."""
_MIN_KNOWN = 0.5
"""Known fraction from which a block or grey pixel is compared."""
_LEVELS = 16
_MIN_CHANGE = 0.10
"""Mean change of block colours (0..1) below which nothing is a cut, however static the shot."""
_MIN_CHANGE_RATIO = 4.0
"""A cut changes at least this many times the median change of the frames before."""
_MEMORY = 12
"""Frames whose changes tell how calm the shot is; set by hand."""
_HISTOGRAM_CHANGE = 0.30
"""Histogram distance (0..1) that must also be exceeded: fast pans change the blocks only."""


class CutDetector:
    """Compares every frame with the one before it."""

    def __init__(self) -> None:
        self._before: _Summary | None = None
        self._changes: deque[float] = deque(maxlen=_MEMORY)

    def is_cut(self, frame: Tensor, hole: Tensor) -> bool:
        """Return whether a new shot begins with this frame.

        Args:
            frame: (3,H,W) in [0,1]; call once for every frame, in order.
            hole: (1,H,W), 1 = hole; its content is ignored.

        Returns:
            True for the first frame of a new shot, except the first frame of all.
        """
        before, now = self._before, _summarise(frame, hole)
        if before is None:
            self._before = now
            return False
        known = (before.known > _MIN_KNOWN) & (now.known > _MIN_KNOWN)  # (1,9,16)
        seen = before.visible & now.visible  # (1,72,128)
        if not (now.known > _MIN_KNOWN).any() or not now.visible.any():
            return False  # all masked: the next frame is compared with the one before this
        self._before = now
        if not known.any() or not seen.any():
            return False
        change = float((now.blocks - before.blocks).abs().mean(0)[known[0]].mean())
        earlier, later = (torch.histc(x.grey[seen], _LEVELS, 0, 1) for x in (before, now))
        histogram_distance = float((earlier - later).abs().sum() / (2 * seen.sum()))
        median_change = sorted(self._changes)[len(self._changes) // 2] if self._changes else 0.0
        if (
            change > max(_MIN_CHANGE, _MIN_CHANGE_RATIO * median_change)
            and histogram_distance > _HISTOGRAM_CHANGE
        ):
            self._changes.clear()
            return True
        self._changes.append(change)
        return False


@dataclass(frozen=True)
class _Summary:
    """A frame reduced to what is compared.

    blocks: mean colours (3,9,16); known: known fraction of each (1,9,16); grey: (1,72,128); visible:
    (1,72,128) bool, which of its pixels are known.
    """

    blocks: Tensor
    known: Tensor
    grey: Tensor
    visible: Tensor


def _summarise(frame: Tensor, hole: Tensor) -> _Summary:
    """Reduce a frame to what is compared, leaving out the hole's content."""
    known = (hole == 0).to(frame.device, torch.float32)
    masked = frame.float() * known
    share = adaptive_avg_pool2d(known, _GRID)
    blocks = adaptive_avg_pool2d(masked, _GRID) / share.clamp_min(1e-6)
    fine = adaptive_avg_pool2d(known, _FINE)
    grey = adaptive_avg_pool2d(masked.mean(0, keepdim=True), _FINE) / fine.clamp_min(1e-6)
    grey = grey.clamp(0, 1)  # histc leaves out what is beyond, and rounding takes white there
    return _Summary(blocks, share, grey, fine > _MIN_KNOWN)
