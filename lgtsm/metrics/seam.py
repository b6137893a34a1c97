"""Seam contrast: is the border of the hole more visible than what lies beside it?

The measure is ours: the mean absolute difference of neighbouring pixels across the border, relative
to that of neighbouring pixels in a narrow ring outside it.
"""

from __future__ import annotations

from torch import Tensor

from ..box import Box, hole_box
from .ratio import RunningMean, relative
from .ring import widen

SEAM_RING_PX = 4
"""Pixels beside the border that the border is compared with."""


class SeamContrast:
    """Seam contrast of a clip, frame by frame in constant memory.

    1 means that the border does not differ from its surroundings; above, it shows. Holes of a
    sharp object, put over smooth ground, score high on the untouched frames, too.
    """

    def __init__(self) -> None:
        self._across, self._beside = RunningMean(), RunningMean()

    def add(self, frame: Tensor, hole: Tensor) -> None:
        """Take one frame.

        Args:
            frame: (3,H,W) in [0,1], filled.
            hole: (1,H,W) 0 or 1, 1 = hole.
        """
        box = hole_box(hole)
        if box is None:
            return
        part = box.grow(SEAM_RING_PX + 1) & Box(0, 0, *hole.shape[-2:])
        frame, hole = (x[:, part.rows, part.columns] for x in (frame, hole))
        inside = hole[0] > 0
        near = (widen(hole, SEAM_RING_PX)[0] > 0) & ~inside
        for dim in (-2, -1):
            size = frame.shape[dim] - 1
            step = (frame.narrow(dim, 1, size) - frame.narrow(dim, 0, size)).abs()
            first, second = inside.narrow(dim, 0, size), inside.narrow(dim, 1, size)
            self._across.add(step[:, first != second])
            self._beside.add(step[:, near.narrow(dim, 0, size) & near.narrow(dim, 1, size)])

    @property
    def value(self) -> float | None:
        """Return the ratio; None where no hole had a border."""
        return relative(self._across, self._beside)
