"""Overlapping windows, for a body that cannot be streamed layer by layer.

CombCN looks at the clip at half size in one go and at each frame at full size after that. A window
holds the frames that it emits and `context` frames around them, and of each only the hole's box
with the body's margins around it, so its results are those of one forward over the whole clip. The
half-size part is computed again where windows overlap, the full-size part, which takes most of the
time, only for the frames that are emitted.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from ..box import Box, union
from ..models.combcn import CombCNBody
from ..models.combcn_spec import CombCNSpec
from .stream import StreamOutput, StreamSetup

_CHUNKS = 4
"""Chunks per window (set by hand): more repeat less half-size work and hold more frames."""


@dataclass(frozen=True)
class WindowState:
    """Frames kept between two pushes; immutable, so that keeping the old one undoes a push.

    kept: inputs (C,h,w) of the newest frames, None where no hole is near; next_in: number of the
        next frame to arrive; next_out: number of the next frame to emit; finished: whether every
        frame has been emitted.
    """

    kept: tuple[Tensor | None, ...] = ()
    next_in: int = 0
    next_out: int = 0
    finished: bool = False


class WindowStream:
    """Runs one shot through CombCN.

    Args:
        body: its weights are copied to the device and dtype of the setup.
        setup: how to run it.
    """

    def __init__(self, body: CombCNBody, setup: StreamSetup) -> None:
        self.spec, self._body_fp32, self._setup = body.spec, body, setup
        self._frame_box, self._state = Box(0, 0, *setup.size), WindowState()
        self._body = self._converted()

    def _converted(self) -> CombCNBody:
        """Return a copy of the weights on the device and in the dtype of the stream."""
        return copy.deepcopy(self._body_fp32).to(self._setup.device, self._setup.dtype).eval()

    @property
    def dtype(self) -> torch.dtype:
        """As `Stream.dtype`."""
        return self._setup.dtype

    @property
    def reach(self) -> tuple[int, int]:
        """As `Stream.reach`."""
        return self.spec.context

    def set_dtype(self, dtype: torch.dtype) -> None:
        """As `Stream.set_dtype`."""
        self._setup = replace(self._setup, dtype=dtype)
        self._body = self._converted()
        kept = tuple(None if x is None else x.to(dtype) for x in self._state.kept)
        self._state = replace(self._state, kept=kept)

    @property
    def finished(self) -> bool:
        """As `Stream.finished`."""
        return self._state.finished

    def snapshot(self) -> Callable[[], None]:
        """As `Stream.snapshot`."""
        return partial(setattr, self, "_state", self._state)

    def narrowed(self, narrow: Callable[[Box | None], Box | None]) -> WindowStream:
        """As `Stream.narrowed`."""
        other = copy.copy(self)
        other._setup = self._setup.narrowed(narrow)
        return other

    def held(self) -> list[Tensor]:
        """As `Stream.held`."""
        return [x for x in self._state.kept if x is not None]

    def input_box(self, first: int, count: int) -> Box | None:
        """As `Stream.input_box`: the whole frame, or None where no hole is near."""
        past, future = self.spec.context
        boxes = [self._setup.box_at(t) for t in range(first - future, first + count + past)]
        return None if union(boxes) is None else self._frame_box

    def push(self, values: Tensor | None, box: Box | None, count: int) -> StreamOutput:
        """As `Stream.push`; frames are returned a window at a time."""
        new: tuple[Tensor | None, ...] = (None,) * count
        if values is not None:
            # copies: views would keep all frames of a push while one of them is kept
            new = tuple(x.to(self._setup.device, self._setup.dtype, copy=True) for x in values)
        state = self._state
        state = replace(state, kept=state.kept + new, next_in=state.next_in + count)
        size, ready = window_frames(count), state.next_in - self.spec.context[1] - state.next_out
        # no more than a window at once: after a retry with fewer frames many may be ready
        return self._emit(state, size if ready >= size else 0, count)

    def finish(self, limit: int) -> StreamOutput:
        """As `Stream.finish`."""
        left = self._state.next_in - self._state.next_out
        return self._emit(self._state, min(left, window_frames(limit)), limit, last=True)

    def _emit(
        self, state: WindowState, count: int, chunk: int, *, last: bool = False
    ) -> StreamOutput:
        """Compute the next `count` frames and adopt the state after them."""
        first = state.next_out
        boxes = [self._setup.box_at(t) for t in range(first, first + count)]
        box, pixels = union(boxes), None
        if box is not None:
            with_hole = [t for t, one in enumerate(boxes, first) if one is not None]
            pixels = self._compute(state, with_hole[0], with_hole[-1] + 1, chunk, box)
            before, after = with_hole[0] - first, first + count - with_hole[-1] - 1
            if before or after:  # frames without a hole at the ends are not computed
                sides = (0, 0, 0, 0, 0, 0, before, after)
                pixels = torch.nn.functional.pad(pixels, sides)
        start = max(0, first + count - self.spec.context[0])
        kept = state.kept[start - (state.next_in - len(state.kept)) :]
        finished = last and first + count == state.next_in
        output = StreamOutput(None if pixels is None else pixels.float(), box, count)
        self._state = replace(state, kept=kept, next_out=first + count, finished=finished)
        return output

    def _compute(self, state: WindowState, first: int, stop: int, chunk: int, box: Box) -> Tensor:
        """Return (stop - first,3,h,w) of some frames, covering a box."""
        past, future = self.spec.context
        begin, end = max(0, first - past), min(state.next_in, stop + future)
        oldest = state.next_in - len(state.kept)
        frames = state.kept[begin - oldest : end - oldest]
        wide, narrow = window_regions(self.spec, self._frame_box, box)
        rows, columns = wide.within(self._frame_box)
        # frames without a hole nearby cannot affect the result, so zeros stand in
        blank = next(x for x in frames if x is not None).new_zeros(())
        blank = blank.expand(self.spec.inputs, wide.height, wide.width)
        window = torch.stack([blank if x is None else x[:, rows, columns] for x in frames])

        def check_cancel(_name: str, _values: Tensor) -> None:
            self._setup.check()

        self._setup.check()
        half = self._body.complete_half(window[None], check_cancel)[0]
        rows, columns = narrow.within(wide)
        window = window[:, :, rows, columns]
        half = half[:, :, rows.start // 2 : rows.stop // 2, columns.start // 2 : columns.stop // 2]
        rows, columns = box.within(narrow)
        parts: list[Tensor] = []
        for start in range(first - begin, stop - begin, chunk):
            part = slice(start, min(start + chunk, stop - begin))
            x = window[part].contiguous(memory_format=torch.channels_last)
            done = self._body.complete_frames(x, half[part], check_cancel)
            parts.append(done[..., rows, columns].clone())
        return torch.cat(parts)


def window_regions(spec: CombCNSpec, frame: Box, box: Box) -> tuple[Box, Box]:
    """Return what the half-size and what the full-size body must see.

    Args:
        spec: of the bodies.
        frame: the whole frame.
        box: the wanted part of it.

    Returns:
        Two boxes in full-size pixels, the second inside the first.
    """
    wide, narrow = (
        box.grow(margin).aligned(spec.grid_px) & frame
        for margin in (spec.margin_px, spec.full_margin_px)
    )
    return wide, narrow


def window_frames(chunk: int) -> int:
    """Return how many frames a window emits when `chunk` are computed together at full size."""
    return _CHUNKS * chunk


def window_share(spec: CombCNSpec, num_frames: int, chunk: int) -> float:
    """Return how many frames a window of a long shot holds for each frame that it emits."""
    most = min(window_frames(chunk), num_frames)
    return min(num_frames, most + sum(spec.context)) / most
