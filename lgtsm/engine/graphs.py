"""Steps of equal shapes as one recorded CUDA graph: one launch instead of some hundred.

A step qualifies when it is a pure function of tensors: no reading of values on the host, and no
decision that its key does not name. Inputs are copied into buffers of the graph and outputs out of
them, so what a caller keeps is never overwritten. The first replay is compared with the plain step;
where it differs, or anything fails, graphs stay off and one note says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields, is_dataclass

import torch
from torch import Tensor

from ..box import Box

_LOG = logging.getLogger(__name__)
_REPEATS = 3
"""Equal steps in a row before one is recorded: shapes that change soon are not worth it."""
_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.05, torch.float16: 0.02}
"""Largest difference from the plain step, relative to the largest value."""

_WHOLE = (Box, int, type(None))
"""What there is most of, and nothing to look into."""

Step = Callable[[list[Tensor]], list[Tensor]]
Recording = tuple[Callable[[], None], list[Tensor]]
"""Replay, and the tensors that hold its results."""


@dataclass(frozen=True)
class _Slot:
    """Stands for a tensor that was taken out."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: torch.dtype


@dataclass(frozen=True)
class _Node:
    """Stands for a dataclass or a dictionary whose parts were looked into."""

    kind: type
    names: tuple[Hashable, ...]
    parts: tuple[Hashable, ...]


def take_apart(value: object, tensors: list[Tensor]) -> Hashable:
    """Separate tensors from what holds them.

    Args:
        value: tuples, dictionaries and dataclasses around tensors and hashable things.
        tensors: the tensors are appended here, in a fixed order.

    Returns:
        What remains: equal for values that differ only in the numbers inside their tensors.
    """
    if isinstance(value, _WHOLE):
        return value
    if isinstance(value, Tensor):
        tensors.append(value)
        return _Slot(tuple(value.shape), value.stride(), value.dtype)
    if isinstance(value, tuple):
        return tuple(take_apart(part, tensors) for part in value)
    if isinstance(value, dict):
        parts = tuple(take_apart(part, tensors) for part in value.values())
        return _Node(dict, tuple(value), parts)
    if is_dataclass(value):
        parts = tuple(take_apart(getattr(value, f.name), tensors) for f in fields(value))
        return _Node(type(value), (), parts)
    return value


def put_together(remains: Hashable, tensors: list[Tensor]) -> object:
    """Undo `take_apart`; takes the tensors out of the list, from its beginning."""
    if isinstance(remains, _Slot):
        return tensors.pop(0)
    if isinstance(remains, tuple):
        return tuple(put_together(part, tensors) for part in remains)
    if isinstance(remains, _Node):
        parts = [put_together(part, tensors) for part in remains.parts]
        if remains.kind is dict:
            return dict(zip(remains.names, parts, strict=True))
        return remains.kind(*parts)
    return remains


def record_cuda(step: Step, inputs: list[Tensor]) -> Recording:
    """Record a step as a CUDA graph.

    Args:
        step: pure function of tensors.
        inputs: tensors on one CUDA device that replays read.
    """
    with torch.cuda.device(inputs[0].device):
        graph, side = torch.cuda.CUDAGraph(), torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # libraries set themselves up outside the recording
            for _ in range(2):
                step(inputs)
        torch.cuda.current_stream().wait_stream(side)
        # other threads read and write files meanwhile
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            outputs = step(inputs)
    return graph.replay, outputs


def has_room(inputs: list[Tensor]) -> bool:
    """Tell whether the device could hold all that it has held at most so far once more."""
    device = inputs[0].device
    return torch.cuda.mem_get_info(device)[0] > torch.cuda.max_memory_allocated(device)


class Graphs:
    """Runs steps, those that repeat from a recording.

    Args:
        record: makes a recording; its replay reads the very tensors that it was given.
        room: asked before recording; False postpones it.
    """

    def __init__(
        self,
        record: Callable[[Step, list[Tensor]], Recording] = record_cuda,
        room: Callable[[list[Tensor]], bool] = has_room,
    ) -> None:
        self._record, self._room = record, room
        self.is_on = True
        self.notes: list[str] = []
        self.num_replays = 0
        self._checked = False
        self.forget()

    def forget(self) -> None:
        """Drop the recording and its memory."""
        self._owner: object = None
        self._key: Hashable = None
        self._seen = 0
        self._inputs: list[Tensor] = []
        self._recording: Recording | None = None

    def take_notes(self) -> list[str]:
        """Return what a user should know, once."""
        notes, self.notes = self.notes, []
        return notes

    def run(self, owner: object, key: Hashable, step: Step, inputs: list[Tensor]) -> list[Tensor]:
        """Do one step.

        Args:
            owner: holds the weights that the step uses; kept alive with the recording.
            key: all that decides what the step does besides the numbers in its inputs.
            step: pure function of tensors.
            inputs: not changed.

        Returns:
            What the step returns; never memory of the recording.
        """
        if not self.is_on or not inputs:
            return step(inputs)
        if owner is not self._owner or key != self._key:
            self.forget()
            self._owner, self._key = owner, key
        self._seen += 1
        if self._recording is None and (self._seen <= _REPEATS or not self._room(inputs)):
            return step(inputs)
        try:
            return self._replay(step, inputs)
        except Exception as error:  # noqa: BLE001  drivers raise anything; the plain step tells
            self._give_up(f"failed ({type(error).__name__})")
        return step(inputs)

    def _replay(self, step: Step, inputs: list[Tensor]) -> list[Tensor]:
        if self._recording is None:
            self._inputs = [x.clone() for x in inputs]
            self._recording = self._record(step, self._inputs)
        for own, given in zip(self._inputs, inputs, strict=True):
            own.copy_(given)
        replay, results = self._recording
        replay()
        outputs = [x.clone() for x in results]
        if not self._checked:
            self._checked = True
            wanted = step(inputs)
            if not all(map(_agree, outputs, wanted)):
                self._give_up("gave other numbers than the plain step")
            return wanted
        self.num_replays += 1
        return outputs

    def _give_up(self, reason: str) -> None:
        self.is_on = False
        self.forget()
        self.notes.append(f"CUDA graphs {reason}: went on without them")
        _LOG.warning(self.notes[-1])


def _agree(found: Tensor, wanted: Tensor) -> bool:
    """Compare two results; numbers that are none must be so in both."""
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        return False
    finite = wanted.isfinite()
    if not bool((found.isfinite() == finite).all()):
        return False
    a, b = (torch.where(finite, x, torch.zeros_like(x)).float() for x in (found, wanted))
    largest = float(b.abs().max()) if b.numel() else 0.0
    return not b.numel() or float((a - b).abs().max()) <= _TOLERANCE[wanted.dtype] * largest
