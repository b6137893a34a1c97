"""A stream in two halves, for when even one frame is too large for the memory there is.

Each half computes its part of every hole with what that part needs around it, so the result stays
the same; the overlap is computed twice, so it takes longer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from ..box import Box, union
from .stream import Stream, StreamOutput

_STEP_PX = 4
"""Halves meet on multiples of this, the size of the trunk's coarsest pixels."""


def half_box(box: Box | None, *, second: bool) -> Box | None:
    """Return one half of a box, cut across its longer side; the first gets all of a tiny one."""
    if box is None:
        return None
    across = max(box.height, box.width)
    cut = across // 2 // _STEP_PX * _STEP_PX
    if cut == 0:
        return None if second else box
    if box.height >= box.width:
        middle = box.top + cut
        top, bottom = (middle, box.bottom) if second else (box.top, middle)
        return Box(top, box.left, bottom, box.right)
    middle = box.left + cut
    left, right = (middle, box.right) if second else (box.left, middle)
    return Box(box.top, left, box.bottom, right)


class SplitStream:
    """Two streams that continue where one has stopped, each with half of every hole."""

    def __init__(self, *parts: Stream) -> None:
        self._parts = parts

    @classmethod
    def halving(cls, stream: Stream) -> SplitStream:
        """Continue a stream in two halves."""
        return cls(*(stream.narrowed(partial(half_box, second=second)) for second in (False, True)))

    @property
    def dtype(self) -> torch.dtype:
        """As `Stream.dtype`."""
        return self._parts[0].dtype

    @property
    def reach(self) -> tuple[int, int]:
        """As `Stream.reach`."""
        return self._parts[0].reach

    @property
    def finished(self) -> bool:
        """As `Stream.finished`."""
        return all(part.finished for part in self._parts)

    def input_box(self, first: int, count: int) -> Box | None:
        """As `Stream.input_box`."""
        return union(part.input_box(first, count) for part in self._parts)

    def push(self, values: Tensor | None, box: Box | None, count: int) -> StreamOutput:
        """As `Stream.push`, one half after the other."""
        return self._both(lambda part: part.push(values, box, count))

    def finish(self, limit: int) -> StreamOutput:
        """As `Stream.finish`."""
        return self._both(lambda part: part.finish(limit))

    def _both(self, step: Callable[[Stream], StreamOutput]) -> StreamOutput:
        """Run a step of both halves, or of neither, and join what they return."""
        restore = self.snapshot()
        try:
            return _join([step(part) for part in self._parts])
        except BaseException:
            restore()
            raise

    def held(self) -> list[Tensor]:
        """As `Stream.held`."""
        return [value for part in self._parts for value in part.held()]

    def snapshot(self) -> Callable[[], None]:
        """As `Stream.snapshot`."""
        restores = [part.snapshot() for part in self._parts]

        def restore() -> None:
            for one in restores:
                one()

        return restore

    def set_dtype(self, dtype: torch.dtype) -> None:
        """As `Stream.set_dtype`."""
        for part in self._parts:
            part.set_dtype(dtype)

    def narrowed(self, narrow: Callable[[Box | None], Box | None]) -> SplitStream:
        """As `Stream.narrowed`."""
        return SplitStream(*(part.narrowed(narrow) for part in self._parts))


def _join(parts: list[StreamOutput]) -> StreamOutput:
    """Put the halves of the same frames together."""
    box = union(part.box for part in parts)
    joined = None
    for part in parts:
        if part.pixels is None or part.box is None or box is None:
            continue
        if joined is None:
            size = (part.count, part.pixels.shape[1], box.height, box.width)
            joined = part.pixels.new_zeros(size)
        rows, columns = part.box.within(box)
        # where both have values they are equal: each is exact in its own box
        joined[:, :, rows, columns] = part.pixels
    return StreamOutput(joined, box, parts[0].count)
