"""A stream that continues with less where memory or numeric range runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

from ..box import Box
from ..errors import DeviceError
from .split_stream import SplitStream
from .stream import Stream, StreamOutput

Result = TypeVar("Result")

_LOG = logging.getLogger(__name__)
_MAX_SPLITS = 2
"""Halvings of every hole before giving up; each computes more of the surroundings twice."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out: CPU allocators raise plain RuntimeErrors."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    signs = ("out of memory", "not enough memory", "can't allocate", "allocate memory")
    return any(sign in text for sign in signs)


def attempt(run: Callable[[], Result]) -> Result | None:
    """Run something; return None where memory ran out.

    The exception ends here: a retry inside an `except` block would keep the tensors of the failed
    attempt alive through its traceback, and memory would run out again.
    """
    try:
        return run()
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
    return None


def _all_finite(values: list[Tensor]) -> bool:
    return not values or bool(torch.stack([v.isfinite().all() for v in values]).all())


class RobustStream:
    """A stream with its retries: fewer frames a chunk, then holes in parts; float32 after overflow.

    Args:
        stream: what computes.
        chunk: frames computed together, 1 or more.
        too_large: the error's sentence for when even parts of one frame do not fit.

    chunk: frames computed together from now on; notes: one sentence for every step down.
    """

    def __init__(self, stream: Stream, chunk: int, too_large: str) -> None:
        self._stream, self.chunk, self._too_large = stream, chunk, too_large
        self.notes: list[str] = []
        self._num_splits = self._num_done = 0

    @property
    def dtype(self) -> torch.dtype:
        """What the network computes in."""
        return self._stream.dtype

    @property
    def reach(self) -> tuple[int, int]:
        """As `Stream.reach`."""
        return self._stream.reach

    def input_box(self, first: int, count: int) -> Box | None:
        """As `Stream.input_box`."""
        return self._stream.input_box(first, count)

    def push(self, values: Tensor | None, box: Box | None, count: int) -> Iterator[StreamOutput]:
        """As `Stream.push`, in as many pieces as memory allows.

        Raises:
            DeviceError: nothing fits, or the network's output is not finite.
        """
        start = 0
        while start < count:
            number = min(self.chunk, count - start)
            part = None if values is None else values[start : start + number]
            output = self._step(lambda p=part, n=number: self._stream.push(p, box, n))
            if output is None:
                self._reduce(number)
            else:
                start += number
                yield output

    def finish(self) -> Iterator[StreamOutput]:
        """Return all frames that waited for later ones.

        Raises:
            DeviceError: as `push`.
        """
        while not self._stream.finished:
            output = self._step(lambda: self._stream.finish(self.chunk))
            if output is None:
                self._reduce(self.chunk)
            else:
                yield output

    def shrink(self, count: int) -> None:
        """Continue with chunks of half of `count` frames, for which memory did not suffice.

        Raises:
            DeviceError: it was one frame.
        """
        if count == 1:
            raise DeviceError(self._too_large)
        self.chunk = count // 2
        self._note(f"out of memory: continued with {self.chunk} frames a chunk")

    def _reduce(self, count: int) -> None:
        """Compute less at once: fewer frames, or parts of the holes of a single one."""
        if count > 1:
            self.shrink(count)
            return
        if self._num_splits == _MAX_SPLITS:
            raise DeviceError(self._too_large)
        self._num_splits += 1
        self._stream = SplitStream.halving(self._stream)
        self._note(f"out of memory: continued with every hole in {2**self._num_splits} parts")

    def _step(self, run: Callable[[], StreamOutput]) -> StreamOutput | None:
        """Run one step, again in float32 where it overflows; None where memory ran out."""
        restore = self._stream.snapshot()
        output = attempt(run)
        if output is not None and not self._is_finite(output):
            if self.dtype == torch.float32:
                raise DeviceError(
                    "Expected finite pixels from the network, got NaN or infinity in float32; "
                    "use another weight file."
                )
            self._note(f"{self.dtype} overflowed: continued in float32 from frame {self._num_done}")
            output = None  # frees it before the step is repeated
            restore()
            self._stream.set_dtype(torch.float32)
            return self._step(run)
        if output is not None:
            self._num_done += output.count
        return output

    def _is_finite(self, output: StreamOutput) -> bool:
        """Check finished frames and, in half precision, what is kept for later ones, too.

        An overflow reaches the output many frames late, when the state before it is gone.
        """
        values = [] if output.pixels is None else [output.pixels]
        if self.dtype != torch.float32:
            values += self._stream.held()
        return _all_finite(values)

    def _note(self, text: str) -> None:
        _LOG.warning("%s", text)
        self.notes.append(text)
