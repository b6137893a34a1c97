"""Flicker: does the fill change from frame to frame more than its surroundings do?

The measure is ours: the mean absolute change from one frame to the next inside the hole, relative
to that in a ring around it, so that motion and fades, which both share, cancel.
"""

from __future__ import annotations

from torch import Tensor

from .ratio import RunningMean, relative
from .ring import ring


class Flicker:
    """Flicker of a clip, frame by frame; keeps one frame.

    1 means as steady as the surroundings; above, restless; well below, frozen or blurred.
    """

    def __init__(self) -> None:
        self._inside, self._around = RunningMean(), RunningMean()
        self._before: tuple[Tensor, Tensor, Tensor] | None = None

    def add(self, frame: Tensor, hole: Tensor) -> None:
        """Take the next frame.

        Args:
            frame: (3,H,W) in [0,1], filled.
            hole: (1,H,W) 0 or 1, 1 = hole.
        """
        inside, around = hole[0] > 0, ring(hole)[0] > 0
        if self._before is not None:
            frame_before, inside_before, around_before = self._before
            change = (frame - frame_before).abs()
            self._inside.add(change[:, inside & inside_before])
            self._around.add(change[:, around & around_before])
        self._before = frame, inside, around

    @property
    def value(self) -> float | None:
        """Return the ratio; None where no two neighbouring frames share hole and ring."""
        return relative(self._inside, self._around)
