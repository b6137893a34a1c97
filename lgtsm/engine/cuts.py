"""Scene cuts: nothing is copied or remembered across them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

_GRID = (9, 16)
"""Blocks (rows, columns) whose mean colour is compared: coarse enough to ignore camera motion."""
_FINE = (72, 128)
"""Size of the grey picture whose levels are counted."""
_MIN_KNOWN = 0.5
"""Known share from which on a block or grey pixel is compared."""
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
        self._before: _Look | None = None
        self._changes: deque[float] = deque(maxlen=12)

    def is_cut(self, frame: Tensor, hole: Tensor) -> bool:
        """Tell whether a new shot begins with this frame.

        Args:
            frame: (3,H,W) in [0,1]; to be called once for every frame, in order.
            hole: (1,H,W), 1 = hole; what lies under it is not looked at.

        Returns:
            True for the first frame of a new shot; the very first frame is none.
        """
        before, now = self._before, _look(frame, hole)
        self._before = now
        if before is None:
            return False
        known = (before.known > _MIN_KNOWN) & (now.known > _MIN_KNOWN)  # (1,9,16)
        seen = before.visible & now.visible  # (1,72,128)
        if not known.any() or not seen.any():
            return False
        change = float((now.blocks - before.blocks).abs().mean(0)[known[0]].mean())
        one, two = (torch.histc(x.grey[seen], _LEVELS, 0, 1) for x in (before, now))
        moved = float((one - two).abs().sum() / (2 * seen.sum()))
        usual = sorted(self._changes)[len(self._changes) // 2] if self._changes else 0.0
        if change > max(_MIN_CHANGE, _FACTOR * usual) and moved > _HISTOGRAM_CHANGE:
            self._changes.clear()
            return True
        self._changes.append(change)
        return False


@dataclass(frozen=True)
class _Look:
    """A frame at a glance.

    blocks: colours (3,9,16); known: how much of each is (1,9,16); grey: (1,72,128); visible: which
    of these are known.
    """

    blocks: Tensor
    known: Tensor
    grey: Tensor
    visible: Tensor


def _look(frame: Tensor, hole: Tensor) -> _Look:
    """Reduce a frame to what is compared, without what lies under the hole."""
    known = (hole == 0).to(frame.device, torch.float32)
    visible = frame.float() * known
    share = adaptive_avg_pool2d(known, _GRID)
    blocks = adaptive_avg_pool2d(visible, _GRID) / share.clamp_min(1e-6)
    fine = adaptive_avg_pool2d(known, _FINE)
    grey = adaptive_avg_pool2d(visible.mean(0, keepdim=True), _FINE) / fine.clamp_min(1e-6)
    return _Look(blocks, share, grey, fine > _MIN_KNOWN)
