"""The trunk as a stream: layer by layer, every frame of every layer computed once.

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

BoxAt = Callable[[int], Box | None]
"""Frame number -> box of that frame's hole, None where it has none or the frame does not exist."""


@dataclass(frozen=True)
class StreamState:
    """Everything between two pushes; immutable, so that a push can be undone by keeping the old one.

    layers: of every layer; skips: encoder frames that a decoder layer still waits for, by the
        encoder layer's name; next_frame: number of the next frame each layer puts out; finished:
        layers that have put out their last frame; tail: last frames of those, on their way.
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
    """A state being changed by one push; the stream takes it over when all layers have run."""

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
        trunk: its weights are copied to the device and dtype given.
        size: (height, width) of the frames, multiples of the trunk's.
        device: where to compute.
        dtype: of features and weights.
        box_at: boxes of the holes, known for every frame that a pushed frame can influence.
        check: called before every layer; an exception from it ends the push unharmed.
    """

    def __init__(
        self,
        trunk: Trunk,
        size: tuple[int, int],
        *,
        device: torch.device,
        dtype: torch.dtype,
        box_at: BoxAt,
        check: Callable[[], None],
    ) -> None:
        self.spec, self.size, self.box_at, self.check = trunk.spec, size, box_at, check
        self.device = device
        self._trunk = trunk
        self.set_dtype(dtype)
        self.state = StreamState(
            tuple(LayerState() for _ in self.layers),
            {layer.skip_from: () for layer in LAYERS if trunk.spec.skips and layer.skip_from},
            (0,) * len(self.layers),
        )
        # frames before and after that an output of layer i still travels to
        self.reach = [
            (
                sum(layer.past for layer in self.layers[i + 1 :]),
                sum(layer.future for layer in self.layers[i + 1 :]),
            )
            for i in range(-1, len(self.layers))
        ]
        self._plans: dict[Box, list[LayerRegion]] = {}

    def set_dtype(self, dtype: torch.dtype) -> None:
        """Lay the weights out in another dtype; a kept state is converted."""
        self.dtype = dtype
        self._scratch = Scratch(self.device, dtype)
        self.layers = [StreamLayer(m, self.device, dtype) for m in self._trunk.layers()]
        if hasattr(self, "state"):
            self.state = self.state.to(dtype)

    def _plan(self, index: int, first: int, count: int) -> LayerRegion | None:
        """Return what layer `index` (-1 is the input) computes for frames first ... first+count-1.

        An output frame of a layer reaches the results of `reach` frames around it, so the boxes of
        those holes decide.
        """
        past, future = self.reach[index + 1]
        box = union([self.box_at(t) for t in range(first - future, first + count + past)])
        if box is None:
            return None
        if box not in self._plans:
            self._plans = {box: plan_regions(self.spec, self.size, box), **self._plans}
            while len(self._plans) > 64:
                self._plans.popitem()
        return self._plans[box][max(index, 0)]

    def input_box(self, first: int, count: int) -> Box | None:
        """Return the part of the input frames first ... first+count-1 that is read, or None."""
        region = self._plan(-1, first, count)
        return None if region is None else region.inputs & region.frame

    def push(self, values: Tensor | None, box: Box | None, count: int) -> FeatureBatch:
        """Take in new frames of the trunk's input.

        Args:
            values: (count,C,h,w) covering `box`, or None where `input_box` is None.
            box: at least `input_box` of these frames.
            count: number of frames, 1 or more.

        Returns:
            Finished frames of the output, 0 or more.
        """
        factors = () if values is None else (values.to(self.device, self.dtype),)
        batch = FeatureBatch(factors, box, count, self.spec.inputs)
        step = _Step(self.state)
        for index in range(len(self.layers)):
            batch = self._run_layer(index, batch, step, last=False)
            if batch.count == 0:
                break
        self.state = step.after(0, None)
        return batch

    @property
    def finished(self) -> bool:
        """Whether everything has been put out."""
        return self.state.finished == len(self.layers)

    def finish(self, limit: int) -> FeatureBatch:
        """Put out some of the frames that waited for later ones; call until `finished`.

        Each layer hands its last frames to the next in one batch, which grows by `future` a layer.
        Where it outgrows the limit, its first frames go ahead through all later layers.

        Args:
            limit: frames that may arrive at a layer together, 1 or more; may differ between calls.

        Returns:
            Finished frames of the output, 0 or more.
        """
        step = _Step(self.state)
        first, tail = self.state.finished, self.state.tail
        if tail is None:
            tail = FeatureBatch((), None, 0, self.spec.inputs)
        while first < len(self.layers) and tail.count <= limit:
            tail = self._run_layer(first, tail, step, last=True)
            first += 1
        if first == len(self.layers):
            self.state = step.after(first, None)
            return tail
        ahead, tail = tail.split(limit)
        for index in range(first, len(self.layers)):
            ahead = self._run_layer(index, ahead, step, last=False)
            if ahead.count == 0:
                break
        self.state = step.after(first, tail)
        return ahead

    def _run_layer(
        self, index: int, batch: FeatureBatch, step: _Step, *, last: bool
    ) -> FeatureBatch:
        """Run one layer on new frames of its input and note its new state."""
        self.check()
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

    def with_boxes(self, box_at: BoxAt) -> TrunkStream:
        """Return a stream that goes on from this state with smaller boxes; weights are shared."""
        other = copy.copy(self)
        other.box_at, other._plans = box_at, {}
        return other

    def held(self) -> list[Tensor]:
        """Return all tensors that are kept between steps."""
        state = self.state
        frames = [planes for layer in state.layers for planes in (*layer.past, *layer.pending)]
        planes = [plane for row in (*frames, *state.skips.values()) for plane in row]
        tail = [] if state.tail is None else list(state.tail.factors)
        return [plane.values for plane in planes if plane.values is not None] + tail

    def outputs(self, batch: FeatureBatch) -> Tensor | None:
        """Return (N,C,h,w) float32 of finished frames covering `batch.box`, or None."""
        if not batch.factors:
            return None
        return math.prod(batch.factors[1:], start=batch.factors[0]).float()
