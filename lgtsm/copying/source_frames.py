"""Which source frames lend pixels to a hole: those that show most of it, near in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ..align.learned import PairAligner
from ..errors import OptionError
from ..neighbour_options import LEARNED
from ..options import FlowMethod, Motion

# chosen on 14 real clips of 432x240, 40 frames each; offsets beyond 39 came later, by hand
OFFSETS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 17, 20, 24, 28, 33, 39, 48, 64, 80, 96, 128, 160, 192)
"""Distances in time that are searched, both ways, in frames: dense where frames align best."""
_VALUES = (1.0, 0.35, 0.25, 0.15, 0.1, 0.05)  # of a pixel's first copy, its second, ...
_LATER = 0.02  # of every further copy; set by hand, not swept
_CHOICE_FADE_FRAMES = 25.0  # distance in time at which the value has fallen to a third
_LEAST_VALUE = 0.004  # mean value per hole pixel that a frame must add


@dataclass(frozen=True)
class Search:
    """Which source frames are searched, and how.

    motions: kinds of motion to try: none, planar, flow; () for no copies.
    window: how far sources may be (before, after), in frames.
    count: how many of them may lend pixels to one frame.
    flow: how dense flow is measured.
    aligner: finds the motion `flow` instead of it, directly between two frames; None for none.
    """

    motions: tuple[Motion, ...]
    window: tuple[int, int]
    count: int
    flow: FlowMethod = FlowMethod.BUILT_IN
    aligner: PairAligner | None = None

    @classmethod
    def of(
        cls,
        motion: Motion,
        window: tuple[int, int],
        count: int,
        flow: FlowMethod = FlowMethod.BUILT_IN,
        aligner: PairAligner | None = None,
    ) -> Search:
        """Return the search for a user's choice of motion.

        Raises:
            OptionError: a motion that a network finds, without one.
        """
        if motion.value in LEARNED:
            if aligner is None:
                raise OptionError(
                    f"Expected an aligner for motion {motion.value}, got none; choose none, planar, "
                    "flow or auto here."
                )
            motion = Motion.FLOW
        if count == 0 or not any(window):
            return cls((), (0, 0), 0)
        every = (Motion.NONE, Motion.PLANAR, Motion.FLOW)
        motions = every if motion is Motion.AUTO else (motion,)
        return cls(motions, window, count, flow, aligner)


def offsets_within(before: int, after: int) -> list[int]:
    """Return the offsets within a window, nearest first, later before earlier."""
    return [d for o in OFFSETS for d in (o, -o) if -before <= d <= after]


def choose_source_frames(shown: Tensor, offsets: Sequence[int], count: int) -> list[int]:
    """Choose source frames greedily.

    Args:
        shown: (R,P) bool, which of P hole pixels each frame shows.
        offsets: R distances in time, in frames.
        count: how many to choose at most.

    Returns:
        Indices of frames, most useful first.
    """
    # too small and too sequential for a device
    seen = shown.cpu().numpy()
    values, num_copies = np.array((*_VALUES, _LATER)), np.zeros(seen.shape[1], dtype=np.int64)
    fade = np.exp(-np.abs(offsets) / _CHOICE_FADE_FRAMES)
    remaining, chosen = list(range(len(offsets))), list[int]()
    while remaining and len(chosen) < count:
        gains = seen[remaining] @ values[np.minimum(num_copies, len(_VALUES))] * fade[remaining]
        best = int(gains.argmax())
        if gains[best] < _LEAST_VALUE * seen.shape[1]:
            break
        chosen.append(remaining.pop(best))
        num_copies += seen[chosen[-1]]
    return chosen
