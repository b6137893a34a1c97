"""A stream that continues with less where memory or numeric range runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

from ..box import Box
from ..errors import DeviceError, WeightsError
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
    signs = (
        "out of memory",
        "not enough memory",
        "can't allocate",
        "allocate memory",
        "alloc_failed",
    )
    return any(sign in text for sign in signs)


def attempt(run: Callable[[], Result]) -> Result | None:
    """Run something; return None where memory ran out.

    The exception ends here: a retry inside an `except` block would keep the tensors of the failed
    attempt alive through its traceback, and memory would run out again.
    """
    try:
        return run()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
    return None


def _all_finite(values: list[Tensor]) -> bool:
    # extremes take a tenth of the time that looking at every number does on a CPU, and NaN is one
    extremes = [e.float() for v in values if v.numel() for e in (v.amax(), v.amin())]
    return not extremes or bool(torch.stack(extremes).isfinite().all())


class RobustStream:
    """Runs a stream; out of memory, it tries fewer frames, then parts of holes; on overflow, float32.

    Args:
        stream: what computes.
        chunk: frames computed together, 1 or more.
        too_large: message of the DeviceError when even that does not fit.

    chunk: frames computed together from now on; notes: one for every fallback.
    """

    def __init__(self, stream: Stream, chunk: int, too_large: str) -> None:
        self._stream, self.chunk, self._too_large = stream, chunk, too_large
        self.notes: list[str] = []
        self._num_splits = 0

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
            DeviceError: nothing fits; WeightsError: the output is not finite, in float32 either.
        """
        start = 0
        while start < count:
            number = min(self.chunk, count - start)
            part = None if values is None else values[start : start + number]
            output = self._step(lambda p=part, n=number: self._stream.push(p, box, n))
            if output is None:
                self._step_down(number)
            else:
                start += number
                yield output

    def finish(self) -> Iterator[StreamOutput]:
        """Return all frames that waited for later ones.

        Raises:
            DeviceError: as `push`; WeightsError.
        """
        while not self._stream.finished:
            output = self._step(lambda: self._stream.finish(self.chunk))
            if output is None:
                self._step_down(self.chunk)
            else:
                yield output

    def halve_chunk(self, count: int) -> None:
        """Continue with chunks of half of `count` frames, for which memory did not suffice.

        Raises:
            DeviceError: it was one frame.
        """
        if count == 1:
            raise DeviceError(self._too_large)
        self.chunk = count // 2
        self._note(f"out of memory: continued with {self.chunk} frames per chunk")

    def _step_down(self, count: int) -> None:
        """Compute less at once: fewer frames, or parts of the holes of a single one."""
        if count > 1:
            self.halve_chunk(count)
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
        if output is None or self._is_finite(output):
            return output
        if self.dtype == torch.float32:
            raise WeightsError(
                "Expected finite pixels from the network, got NaN or infinity in float32; use "
                "another weight file."
            )
        self._note(f"{self.dtype} overflowed: continued in float32")
        output = None  # frees it before the step is repeated
        restore()
        self._stream.set_dtype(torch.float32)
        return self._step(run)

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
