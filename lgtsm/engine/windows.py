"""Overlapping windows, for a body that cannot be streamed layer by layer.

CombCN looks at the clip at half size in one go and at each frame at full size after that. A window
holds the frames that are put out and `context` frames around them, and of each only the hole's box
with the body's margins around it, so its results are those of one forward over the whole clip. The
half-size part is computed anew where windows overlap, the full-size part, which takes most of the
time, only for the frames that are put out.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..box import Box, union
from ..models.combcn import CombCNBody
from ..models.combcn_spec import CombCNSpec
from ..models.trunk import Trunk
from .features import FeatureBatch
from .stream import BoxAt, TrunkStream

_CHUNKS = 4
"""Chunks a window puts out: more frames share the overlap, and more are held."""


@dataclass(frozen=True)
class WindowState:
    """Frames between two pushes; immutable, so that a push can be undone by keeping the old one.

    kept: inputs (C,h,w) of the newest frames, None where no hole is near; next_in: number of the
        next frame to arrive; next_out: number of the next frame to put out; finished: whether
        everything has been put out.
    """

    kept: tuple[Tensor | None, ...] = ()
    next_in: int = 0
    next_out: int = 0
    finished: bool = False


class WindowStream:
    """Runs one shot through CombCN; same calls as `TrunkStream`.

    Args:
        body: its weights are copied to the device and dtype given.
        size: (height, width) of the frames, multiples of the body's.
        device: where to compute.
        dtype: of features and weights.
        box_at: boxes of the holes, known for every frame that a pushed frame can influence.
        check: called before every layer; an exception from it ends the push unharmed.
    """

    def __init__(
        self,
        body: CombCNBody,
        size: tuple[int, int],
        *,
        device: torch.device,
        dtype: torch.dtype,
        box_at: BoxAt,
        check: Callable[[], None],
    ) -> None:
        self.spec, self.box_at, self.check = body.spec, box_at, check
        self.device, self._source, self._frame = device, body, Box(0, 0, *size)
        self.reach = [self.spec.context]
        self.state = WindowState()
        self.set_dtype(dtype)

    def set_dtype(self, dtype: torch.dtype) -> None:
        """Convert the weights to another dtype, and the frames that are kept."""
        self.dtype = dtype
        self._body = copy.deepcopy(self._source).to(self.device, dtype).eval()
        kept = tuple(None if x is None else x.to(dtype) for x in self.state.kept)
        self.state = replace(self.state, kept=kept)

    @property
    def finished(self) -> bool:
        """Whether everything has been put out."""
        return self.state.finished

    def with_boxes(self, box_at: BoxAt) -> WindowStream:
        """Return a stream that goes on from this state with smaller boxes; weights are shared."""
        other = copy.copy(self)
        other.box_at = box_at
        return other

    def held(self) -> list[Tensor]:
        """Return all tensors that are kept between steps."""
        return [x for x in self.state.kept if x is not None]

    def input_box(self, first: int, count: int) -> Box | None:
        """Return the whole frame, or None where no hole is near the frames."""
        past, future = self.spec.context
        boxes = [self.box_at(t) for t in range(first - future, first + count + past)]
        return None if union(boxes) is None else self._frame

    def push(self, values: Tensor | None, box: Box | None, count: int) -> FeatureBatch:
        """Take in new frames of the body's input.

        Args:
            values: (count,C,h,w) whole frames, or None where `input_box` is None.
            box: of the frames.
            count: number of frames, 1 or more.

        Returns:
            Finished frames of the output: a window's, or none while it is not full.
        """
        new = (None,) * count
        if values is not None:
            # copies: views would keep all frames of a push while one of them is kept
            new = tuple(x.to(self.device, self.dtype, copy=True) for x in values)
        state = self.state
        state = replace(state, kept=state.kept + new, next_in=state.next_in + count)
        ready = state.next_in - self.spec.context[1] - state.next_out
        if ready < window_frames(count):
            ready = 0
        return self._put_out(state, ready, count)

    def finish(self, limit: int) -> FeatureBatch:
        """Put out some of the frames that waited for later ones; call until `finished`.

        Args:
            limit: frames that may be computed together at full size, 1 or more.
        """
        left = self.state.next_in - self.state.next_out
        return self._put_out(self.state, min(left, window_frames(limit)), limit, last=True)

    def outputs(self, batch: FeatureBatch) -> Tensor | None:
        """Return (N,C,h,w) float32 of finished frames covering `batch.box`, or None."""
        return batch.factors[0].float() if batch.factors else None

    def _put_out(
        self, state: WindowState, count: int, together: int, *, last: bool = False
    ) -> FeatureBatch:
        """Compute the next `count` frames and take over the state after them."""
        first = state.next_out
        boxes = [self.box_at(t) for t in range(first, first + count)]
        box, factors = union(boxes), ()
        if box is not None:
            near = [t for t, one in enumerate(boxes, first) if one is not None]
            factors = (self._compute(state, near[0], near[-1] + 1, together, box),)
            before, after = near[0] - first, first + count - near[-1] - 1
            if before or after:  # frames without a hole at the ends are not computed
                sides = (0, 0, 0, 0, 0, 0, before, after)
                factors = (torch.nn.functional.pad(factors[0], sides),)
        start = max(0, first + count - self.spec.context[0])
        kept = state.kept[start - (state.next_in - len(state.kept)) :]
        finished = last and first + count == state.next_in
        self.state = replace(state, kept=kept, next_out=first + count, finished=finished)
        return FeatureBatch(factors, box, count, self.spec.outputs)

    def _compute(
        self, state: WindowState, first: int, stop: int, together: int, box: Box
    ) -> Tensor:
        """Return (stop - first,3,h,w) of some frames, covering a box."""
        past, future = self.spec.context
        begin, end = max(0, first - past), min(state.next_in, stop + future)
        oldest = state.next_in - len(state.kept)
        frames = state.kept[begin - oldest : end - oldest]
        wide, narrow = window_regions(self.spec, self._frame, box)
        rows, columns = wide.within(self._frame)
        # where nothing was kept no hole is near, and zeros do as well as anything
        blank = next(x for x in frames if x is not None).new_zeros(())
        blank = blank.expand(self.spec.inputs, wide.height, wide.width)
        window = torch.stack([blank if x is None else x[:, rows, columns] for x in frames])

        def observe(name: str, values: Tensor) -> None:
            self.check()

        self.check()
        half = self._body.complete_half(window[None], observe)[0]
        rows, columns = narrow.within(wide)
        window = window[:, :, rows, columns]
        half = half[:, :, rows.start // 2 : rows.stop // 2, columns.start // 2 : columns.stop // 2]
        rows, columns = box.within(narrow)
        parts = []
        for start in range(first - begin, stop - begin, together):
            part = slice(start, min(start + together, stop - begin))
            x = window[part].contiguous(memory_format=torch.channels_last)
            done = self._body.complete_frames(x, half[part], observe)
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
    """Return how many frames a window puts out when `chunk` are computed together at full size."""
    return _CHUNKS * chunk


def window_share(spec: CombCNSpec, num_frames: int, chunk: int) -> float:
    """Return how many frames a window of a long shot holds for each frame that it puts out."""
    most = min(window_frames(chunk), num_frames)
    return min(num_frames, most + sum(spec.context)) / most


def open_stream(
    trunk: Trunk | CombCNBody,
    size: tuple[int, int],
    *,
    device: torch.device,
    dtype: torch.dtype,
    box_at: BoxAt,
    check: Callable[[], None],
) -> TrunkStream | WindowStream:
    """Return the stream that a network's body can have; arguments as for `TrunkStream`."""
    kind = WindowStream if trunk.spec.in_windows else TrunkStream
    return kind(trunk, size, device=device, dtype=dtype, box_at=box_at, check=check)
