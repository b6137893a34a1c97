"""Motion found by a network that sees both frames at once, instead of chaining links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

Picture = tuple[Tensor, Tensor]
"""Pixels (1,3,h,w) and known (1,1,h,w) of a whole frame."""
_NEAR = 2
"""Frames of this distance are asked for twice: as sources, and to smooth fills in time."""


class PairAligner(Protocol):
    """A network in two steps."""

    def features(self, pixels: Tensor, holes: Tensor) -> Tensor:
        """Return the features of frames (N,3,h,w) with holes (N,1,h,w), whatever their pairs."""
        ...

    def coords(self, frame: Picture, other: Picture, compared: tuple[Tensor, Tensor]) -> Tensor:
        """Return where another frame shows a frame's pixels, (1,2,h,w) as of `sampling`, by both's features."""
        ...


class LearnedMotion:
    """Coordinates in other frames, kept as long as they are asked for again.

    Args:
        aligner: finds them for a pair of frames.
    """

    def __init__(self, aligner: PairAligner) -> None:
        self._aligner = aligner
        self._features: dict[int, Tensor] = {}
        self._kept: dict[tuple[int, int], Tensor] = {}

    def features(self, t: int, frame: Picture) -> Tensor:
        """Return the features of frame t, computed once, until it is forgotten."""
        if t not in self._features:
            pixels, known = frame
            self._features[t] = self._aligner.features(pixels, 1 - known)
        return self._features[t]

    def coords(self, t: int, frame: Picture, others: Mapping[int, Picture]) -> Tensor:
        """Return where R other frames show the pixels of frame t, (R,2,h,w), in their order."""
        self._kept = {
            (u, s): kept
            for (u, s), kept in self._kept.items()
            if u == t or (abs(u - s) <= _NEAR and abs(u - t) <= 2 * _NEAR)
        }
        for s, other in others.items():
            if (t, s) not in self._kept:
                both = self.features(t, frame), self.features(s, other)
                self._kept[t, s] = self._aligner.coords(frame, other, both)
        return torch.cat([self._kept[t, s] for s in others])

    def forget(self, before: int) -> None:
        """Drop the features of frames earlier than this, which are asked for no more."""
        self._features = {t: x for t, x in self._features.items() if t >= before}
