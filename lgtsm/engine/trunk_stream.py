"""The trunk as a stream: layer by layer, each frame of each layer computed once.

Each layer waits for the frames its temporal kernels read ahead, so the result comes out
`spec.context[1]` frames late and is that of one forward over the whole clip. Windows with margins
would compute (n + 34) / n times as much for the published trunk.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from ..box import Box, union
from ..models.spec import LAYERS
from ..models.trunk import Trunk
from .features import FeatureBatch, FeatureMap
from .layer import LayerState, Scratch, StreamLayer
from .region import LayerRegion, plan_regions
from .stream import StreamOutput, StreamSetup


@dataclass(frozen=True)
class StreamState:
    """Everything kept between two pushes; immutable, so that keeping the old one undoes a push.

    layers: of every layer; skips: encoder frames that a decoder layer still waits for, by the
        encoder layer's name; next_frames: the next frame that each layer emits; num_finished: layers
        that have emitted their last frame; tail: last frames of those, in transit.
    """

    layers: tuple[LayerState, ...]
    skips: dict[str, tuple[FeatureMap, ...]]
    next_frames: tuple[int, ...]
    num_finished: int = 0
    tail: FeatureBatch | None = None

    def to(self, dtype: torch.dtype) -> StreamState:
        """Return the state in another dtype."""
        skips = {k: tuple(m.to(dtype) for m in maps) for k, maps in self.skips.items()}
        layers = tuple(s.to(dtype) for s in self.layers)
        tail = None if self.tail is None else self.tail.to(dtype)
        return replace(self, layers=layers, skips=skips, tail=tail)


class _StateDraft:
    """A state being changed by one push; the stream adopts it when all layers have run."""

    def __init__(self, state: StreamState) -> None:
        self.layers = list(state.layers)
        self.skips = dict(state.skips)
        self.next_frames = list(state.next_frames)

    def state(self, num_finished: int, tail: FeatureBatch | None) -> StreamState:
        """Return the state after the push."""
        layers, next_frames = tuple(self.layers), tuple(self.next_frames)
        return StreamState(layers, self.skips, next_frames, num_finished, tail)


class TrunkStream:
    """Streams one shot through a trunk.

    Args:
        trunk: its weights are copied to the device and dtype of the setup.
        setup: how to run it.
    """

    def __init__(self, trunk: Trunk, setup: StreamSetup) -> None:
        self.spec, self._trunk, self._setup = trunk.spec, trunk, setup
        self._prepare_layers()
        self._state = StreamState(
            tuple(LayerState() for _ in self.layers),
            {layer.skip_from: () for layer in LAYERS if trunk.spec.skips and layer.skip_from},
            (0,) * len(self.layers),
        )
        # how many frames (before, after) the layers behind layer i read; -1 is the input
        self._reach = [
            (
                sum(layer.past for layer in self.layers[i + 1 :]),
                sum(layer.future for layer in self.layers[i + 1 :]),
            )
            for i in range(-1, len(self.layers))
        ]

    def _prepare_layers(self) -> None:
        """Convert the weights to the device and dtype of the setup."""
        device, dtype = self._setup.device, self._setup.dtype
        self._scratch = Scratch(device, dtype)
        self.layers = [StreamLayer(m, device, dtype) for m in self._trunk.layers()]

    @property
    def dtype(self) -> torch.dtype:
        """As `Stream.dtype`."""
        return self._setup.dtype

    @property
    def reach(self) -> tuple[int, int]:
        """As `Stream.reach`."""
        return self._reach[0]

    def set_dtype(self, dtype: torch.dtype) -> None:
        """As `Stream.set_dtype`."""
        self._setup = replace(self._setup, dtype=dtype)
        self._prepare_layers()
        self._state = self._state.to(dtype)

    def _plan(self, index: int, first: int, count: int) -> LayerRegion | None:
        """Return what layer `index` (-1 is the input) computes for frames first ... first+count-1.

        What is needed of a frame is decided by the holes of all output frames that read it.
        """
        past, future = self._reach[index + 1]
        box = union([self._setup.box_at(t) for t in range(first - future, first + count + past)])
        if box is None:
            return None
        return plan_regions(self.spec, self._setup.size, box)[max(index, 0)]

    def input_box(self, first: int, count: int) -> Box | None:
        """As `Stream.input_box`."""
        region = self._plan(-1, first, count)
        return None if region is None else region.inputs & region.frame

    def push(self, values: Tensor | None, box: Box | None, count: int) -> StreamOutput:
        """As `Stream.push`."""
        factors = () if values is None else (values.to(self._setup.device, self._setup.dtype),)
        batch = FeatureBatch(factors, box, count, self.spec.inputs)
        draft = _StateDraft(self._state)
        batch = self._run_from(0, batch, draft)
        return self._emit(batch, draft.state(0, None))

    @property
    def finished(self) -> bool:
        """As `Stream.finished`."""
        return self._state.num_finished == len(self.layers)

    def finish(self, limit: int) -> StreamOutput:
        """As `Stream.finish`.

        Each layer passes its last frames to the next in one batch, which grows by `future` a layer.
        Where it outgrows the limit, its first frames go ahead through all later layers.
        """
        draft = _StateDraft(self._state)
        index, tail = self._state.num_finished, self._state.tail
        if tail is None:
            tail = FeatureBatch((), None, 0, self.spec.inputs)
        while index < len(self.layers) and tail.count <= limit:
            tail = self._run_layer(index, tail, draft, last=True)
            index += 1
        if index == len(self.layers):
            return self._emit(tail, draft.state(index, None))
        ahead, tail = tail.split(limit)
        ahead = self._run_from(index, ahead, draft)
        return self._emit(ahead, draft.state(index, tail))

    def _run_from(self, first: int, batch: FeatureBatch, draft: _StateDraft) -> FeatureBatch:
        """Run layer `first` and those after it, up to one that has to wait for later frames."""
        for index in range(first, len(self.layers)):
            batch = self._run_layer(index, batch, draft, last=False)
            if batch.count == 0:
                break
        return batch

    def _emit(self, batch: FeatureBatch, after: StreamState) -> StreamOutput:
        """Return finished frames and adopt the state after them."""
        pixels = batch.product().float() if batch.factors else None
        self._state = after
        return StreamOutput(pixels, batch.box, batch.count)

    def _run_layer(
        self, index: int, batch: FeatureBatch, draft: _StateDraft, *, last: bool
    ) -> FeatureBatch:
        """Run one layer on new frames of its input and note its new state."""
        self._setup.check()
        layer = self.layers[index]
        skip_from, name = layer.spec.skip_from, layer.spec.name
        ready = layer.num_ready(draft.layers[index], batch.count, last=last)
        region = self._plan(index, draft.next_frames[index], ready) if ready else None
        if self.spec.skips and skip_from and batch.count:
            batch = replace(batch, skips=draft.skips[skip_from][: batch.count])
            draft.skips[skip_from] = draft.skips[skip_from][batch.count :]
        batch, draft.layers[index] = layer.step(
            batch, region, draft.layers[index], last=last, scratch=self._scratch
        )
        draft.next_frames[index] += batch.count
        if name in draft.skips and batch.count:
            maps = tuple(batch.frame(i)[0] for i in range(batch.count))
            draft.skips[name] = draft.skips[name] + maps
        return batch

    def snapshot(self) -> Callable[[], None]:
        """As `Stream.snapshot`."""
        return partial(setattr, self, "_state", self._state)

    def narrowed(self, narrow: Callable[[Box | None], Box | None]) -> TrunkStream:
        """As `Stream.narrowed`."""
        other = copy.copy(self)
        other._setup = self._setup.narrowed(narrow)
        return other

    def held(self) -> list[Tensor]:
        """As `Stream.held`."""
        state = self._state
        frames = [frame for layer in state.layers for frame in (*layer.past, *layer.pending)]
        maps = [one for frame in (*frames, *state.skips.values()) for one in frame]
        tail = [] if state.tail is None else list(state.tail.factors)
        return [one.values for one in maps if one.values is not None] + tail
