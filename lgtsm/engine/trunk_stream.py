"""The trunk as a stream: layer by layer, each frame of each layer computed once.

Each layer waits for the frames its temporal kernels read ahead, so the result comes out
`spec.context[1]` frames late and is that of one forward over the whole clip. Windows with margins
would compute (n + 34) / n times as much for the published trunk.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

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
        encoder layer's name; next_frame: number of the next frame each layer emits; finished:
        number of layers that have emitted their last frame; tail: last frames of those, in transit.
    """

    layers: tuple[LayerState, ...]
    skips: dict[str, tuple[FeatureMap, ...]]
    next_frame: tuple[int, ...]
    finished: int = 0
    tail: FeatureBatch | None = None

    def to(self, dtype: torch.dtype) -> StreamState:
        """Return the state in another dtype."""
        skips = {k: tuple(p.to(dtype) for p in planes) for k, planes in self.skips.items()}
        layers = tuple(s.to(dtype) for s in self.layers)
        tail = None if self.tail is None else self.tail.to(dtype)
        return replace(self, layers=layers, skips=skips, tail=tail)


class _Step:
    """A state being changed by one push; the stream adopts it when all layers have run."""

    def __init__(self, state: StreamState) -> None:
        self.layers = list(state.layers)
        self.skips = dict(state.skips)
        self.numbers = list(state.next_frame)

    def after(self, finished: int, tail: FeatureBatch | None) -> StreamState:
        """Return the state after the step."""
        return StreamState(
            tuple(self.layers), self.skips, tuple(self.numbers), finished=finished, tail=tail
        )


class TrunkStream:
    """Streams one shot through a trunk.

    Args:
        trunk: its weights are copied to the device and dtype of the setup.
        setup: how to run it.
    """

    def __init__(self, trunk: Trunk, setup: StreamSetup) -> None:
        self.spec, self._trunk, self._setup = trunk.spec, trunk, setup
        self._lay_out(setup.dtype)
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
        self._plans: dict[Box, list[LayerRegion]] = {}

    def _lay_out(self, dtype: torch.dtype) -> None:
        """Lay the weights out in a dtype."""
        device = self._setup.device
        self._dtype, self._scratch = dtype, Scratch(device, dtype)
        self.layers = [StreamLayer(m, device, dtype) for m in self._trunk.layers()]

    @property
    def dtype(self) -> torch.dtype:
        """As `Stream.dtype`."""
        return self._dtype

    @property
    def reach(self) -> tuple[int, int]:
        """As `Stream.reach`."""
        return self._reach[0]

    def set_dtype(self, dtype: torch.dtype) -> None:
        """As `Stream.set_dtype`."""
        self._lay_out(dtype)
        self._state = self._state.to(dtype)

    def _plan(self, index: int, first: int, count: int) -> LayerRegion | None:
        """Return what layer `index` (-1 is the input) computes for frames first ... first+count-1.

        An output frame of a layer influences the results of the frames around it that later layers
        read it for, so the boxes of those holes decide.
        """
        past, future = self._reach[index + 1]
        box = union([self._setup.box_at(t) for t in range(first - future, first + count + past)])
        if box is None:
            return None
        if box not in self._plans:
            self._plans = {box: plan_regions(self.spec, self._setup.size, box), **self._plans}
            while len(self._plans) > 64:
                self._plans.popitem()
        return self._plans[box][max(index, 0)]

    def input_box(self, first: int, count: int) -> Box | None:
        """As `Stream.input_box`."""
        region = self._plan(-1, first, count)
        return None if region is None else region.inputs & region.frame

    def push(self, values: Tensor | None, box: Box | None, count: int) -> StreamOutput:
        """As `Stream.push`."""
        factors = () if values is None else (values.to(self._setup.device, self._dtype),)
        batch = FeatureBatch(factors, box, count, self.spec.inputs)
        step = _Step(self._state)
        for index in range(len(self.layers)):
            batch = self._run_layer(index, batch, step, last=False)
            if batch.count == 0:
                break
        return self._emit(batch, step.after(0, None))

    @property
    def finished(self) -> bool:
        """As `Stream.finished`."""
        return self._state.finished == len(self.layers)

    def finish(self, limit: int) -> StreamOutput:
        """As `Stream.finish`.

        Each layer passes its last frames to the next in one batch, which grows by `future` a layer.
        Where it outgrows the limit, its first frames go ahead through all later layers.
        """
        step = _Step(self._state)
        first, tail = self._state.finished, self._state.tail
        if tail is None:
            tail = FeatureBatch((), None, 0, self.spec.inputs)
        while first < len(self.layers) and tail.count <= limit:
            tail = self._run_layer(first, tail, step, last=True)
            first += 1
        if first == len(self.layers):
            return self._emit(tail, step.after(first, None))
        ahead, tail = tail.split(limit)
        for index in range(first, len(self.layers)):
            ahead = self._run_layer(index, ahead, step, last=False)
            if ahead.count == 0:
                break
        return self._emit(ahead, step.after(first, tail))

    def _emit(self, batch: FeatureBatch, after: StreamState) -> StreamOutput:
        """Return finished frames and adopt the state after them."""
        pixels = None
        if batch.factors:
            pixels = math.prod(batch.factors[1:], start=batch.factors[0]).float()
        self._state = after
        return StreamOutput(pixels, batch.box, batch.count)

    def _run_layer(
        self, index: int, batch: FeatureBatch, step: _Step, *, last: bool
    ) -> FeatureBatch:
        """Run one layer on new frames of its input and note its new state."""
        self._setup.check()
        layer = self.layers[index]
        source, name = layer.spec.skip_from, layer.spec.name
        ready = layer.num_ready(step.layers[index], batch.count, last=last)
        region = self._plan(index, step.numbers[index], ready) if ready else None
        if self.spec.skips and source and batch.count:
            batch = replace(batch, skips=step.skips[source][: batch.count])
            step.skips[source] = step.skips[source][batch.count :]
        batch, step.layers[index] = layer.step(
            batch, region, step.layers[index], last=last, scratch=self._scratch
        )
        step.numbers[index] += batch.count
        if name in step.skips and batch.count:
            planes = tuple(batch.frame(i)[0] for i in range(batch.count))
            step.skips[name] = step.skips[name] + planes
        return batch

    def snapshot(self) -> Callable[[], None]:
        """As `Stream.snapshot`."""
        state = self._state

        def restore() -> None:
            self._state = state

        return restore

    def narrowed(self, narrow: Callable[[Box | None], Box | None]) -> TrunkStream:
        """As `Stream.narrowed`."""
        other = copy.copy(self)
        other._setup, other._plans = self._setup.narrowed(narrow), {}
        return other

    def held(self) -> list[Tensor]:
        """As `Stream.held`."""
        state = self._state
        frames = [planes for layer in state.layers for planes in (*layer.past, *layer.pending)]
        planes = [plane for row in (*frames, *state.skips.values()) for plane in row]
        tail = [] if state.tail is None else list(state.tail.factors)
        return [plane.values for plane in planes if plane.values is not None] + tail
