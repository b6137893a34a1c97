"""Motion found by a network that sees both frames at once, instead of chaining links."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

PairAligner = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""A frame (1,3,h,w) and what is known of it (1,1,h,w), another frame and likewise; returns where the other
shows the frame's pixels, coordinates (1,2,h,w) as of `sampling`."""

Picture = tuple[Tensor, Tensor]
"""Pixels (1,3,h,w) and known (1,1,h,w) of a whole frame."""
_NEAR = 2
"""Frames of this distance are asked for twice: as sources, and to smooth fills in time."""


class LearnedMotion:
    """Coordinates in other frames, kept as long as they are asked for again.

    Args:
        align: finds them for a pair of frames.
    """

    def __init__(self, align: PairAligner) -> None:
        self._align = align
        self._kept: dict[tuple[int, int], Tensor] = {}

    def coords(self, t: int, frame: Picture, others: Mapping[int, Picture]) -> Tensor:
        """Return where R other frames show the pixels of frame t, (R,2,h,w), in their order."""
        self._kept = {
            (u, s): kept
            for (u, s), kept in self._kept.items()
            if u == t or (abs(u - s) <= _NEAR and abs(u - t) <= 2 * _NEAR)
        }
        for s, other in others.items():
            if (t, s) not in self._kept:
                self._kept[t, s] = self._align(*frame, *other)
        return torch.cat([self._kept[t, s] for s in others])
