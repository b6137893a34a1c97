"""Flicker: does the fill change from frame to frame more than its surroundings do?

The measure is ours: the mean absolute change from one frame to the next inside the hole, relative
to that in a ring around it, so that motion and fades, which both share, cancel.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..box import Box, hole_box
from .ratio import RunningMean, relative
from .ring import RING_PX, ring


def clip_flicker(frames: Tensor, holes: Tensor) -> float | None:
    """Return the flicker of a clip in memory: frames (T,3,H,W), holes (T,1,H,W)."""
    flicker = Flicker()
    for frame, hole in zip(frames, holes, strict=True):
        flicker.add(frame, hole)
    return flicker.value


class Flicker:
    """Flicker of a clip, frame by frame; keeps one frame.

    1 means as steady as the surroundings; above, restless; well below, frozen or blurred.
    """

    def __init__(self) -> None:
        self._inside, self._around = RunningMean(), RunningMean()
        self._before: tuple[Tensor, Tensor, Tensor, Box] | None = None

    def add(self, frame: Tensor, hole: Tensor) -> None:
        """Take the next frame.

        Args:
            frame: (3,H,W) in [0,1], filled.
            hole: (1,H,W) 0 or 1, 1 = hole.
        """
        box = hole_box(hole) or Box(0, 0, 0, 0)
        box = box.grow(RING_PX) & Box(0, 0, *hole.shape[-2:])
        inside, around = hole[0] > 0, torch.zeros_like(hole[0], dtype=torch.bool)
        around[box.rows, box.columns] = ring(hole[:, box.rows, box.columns])[0] > 0
        if self._before is not None:
            frame_before, inside_before, around_before, box_before = self._before
            both = box & box_before  # nothing outside is in both holes or both rings
            if min(both.height, both.width) > 0:
                part = (..., both.rows, both.columns)
                change = (frame[part] - frame_before[part]).abs()
                self._inside.add(change[:, inside[part] & inside_before[part]])
                self._around.add(change[:, around[part] & around_before[part]])
        self._before = frame, inside, around, box

    @property
    def value(self) -> float | None:
        """Return the ratio; None where no two neighbouring frames share hole and ring."""
        return relative(self._inside, self._around)
