"""A stream in two halves, for when even one frame is too large for the memory there is.

Each half computes its part of every hole with what that part needs around it, so the result stays
the same; the overlap is computed twice, so it takes longer.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from ..box import Box, union
from .features import FeatureBatch
from .stream import StreamState, TrunkStream

_STEP = 4
"""Halves meet on multiples of this, as the trunk's coarse pixels do."""


def half_box(box: Box | None, *, second: bool) -> Box | None:
    """Return one half of a box, cut across its longer side; a box too small is all in the first."""
    if box is None:
        return None
    across = max(box.height, box.width)
    cut = across // 2 // _STEP * _STEP
    if cut == 0:
        return None if second else box
    if box.height >= box.width:
        middle = box.top + cut
        top, bottom = (middle, box.bottom) if second else (box.top, middle)
        return Box(top, box.left, bottom, box.right)
    middle = box.left + cut
    left, right = (middle, box.right) if second else (box.left, middle)
    return Box(box.top, left, box.bottom, right)


@dataclass(frozen=True)
class Halves:
    """Finished frames of both halves; `box` is around both, `count` is the same in both."""

    parts: tuple[FeatureBatch | Halves, ...]

    @property
    def count(self) -> int:
        """Number of frames."""
        return self.parts[0].count

    @property
    def box(self) -> Box | None:
        """Smallest box around both halves."""
        return union(part.box for part in self.parts)


class SplitStream:
    """Two streams that go on where one has stopped; same calls as `TrunkStream`."""

    def __init__(self, stream: TrunkStream | SplitStream) -> None:
        self.parts = [_half(stream, second=False), _half(stream, second=True)]

    @property
    def state(self) -> tuple[StreamState, ...]:
        """State of both halves."""
        return tuple(part.state for part in self.parts)

    @state.setter
    def state(self, states: tuple[StreamState, ...]) -> None:
        for part, state in zip(self.parts, states, strict=True):
            part.state = state

    @property
    def dtype(self) -> torch.dtype:
        """What both compute in."""
        return self.parts[0].dtype

    def set_dtype(self, dtype: torch.dtype) -> None:
        """Lay the weights out in another dtype."""
        for part in self.parts:
            part.set_dtype(dtype)

    @property
    def reach(self) -> list[tuple[int, int]]:
        """As `TrunkStream.reach`."""
        return self.parts[0].reach

    @property
    def finished(self) -> bool:
        """Whether everything has been put out."""
        return all(part.finished for part in self.parts)

    def held(self) -> list[Tensor]:
        """Return all tensors that are kept between steps."""
        return [value for part in self.parts for value in part.held()]

    def input_box(self, first: int, count: int) -> Box | None:
        """Return the part of the input frames that is read, or None."""
        return union(part.input_box(first, count) for part in self.parts)

    def push(self, values: Tensor | None, box: Box | None, count: int) -> Halves:
        """Take in new frames, one half after the other."""
        return Halves(tuple(part.push(values, box, count) for part in self.parts))

    def finish(self, limit: int) -> Halves:
        """Put out some of the frames that waited for later ones."""
        return Halves(tuple(part.finish(limit) for part in self.parts))

    def outputs(self, halves: Halves) -> Tensor | None:
        """Join the halves: (N,C,h,w) float32 covering `halves.box`, or None."""
        joined = None
        for part, batch in zip(self.parts, halves.parts, strict=True):
            values = part.outputs(batch)
            if values is None:
                continue
            if joined is None:
                size = (*values.shape[:2], halves.box.height, halves.box.width)
                joined = values.new_zeros(size)
            rows, columns = batch.box.within(halves.box)
            # where both have values they are the same: each is exact in its own box
            joined[:, :, rows, columns] = values
        return joined


def _half(stream: TrunkStream | SplitStream, *, second: bool) -> TrunkStream | SplitStream:
    """Return a stream that goes on from the same state with half of every box."""
    if isinstance(stream, SplitStream):
        result = copy.copy(stream)
        result.parts = [_half(part, second=second) for part in stream.parts]
        return result
    return stream.with_boxes(lambda t: half_box(stream.box_at(t), second=second))
