"""The trunk as a stream: layer by layer, every frame of every layer computed once.

Each layer waits for the frames its temporal kernels read ahead, so the result comes out
`spec.context[1]` frames late and is that of one forward over the whole clip. Windows with margins
would compute (n + 34) / n times as much for the published trunk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..box import Box, union
from ..models.spec import LAYERS
from ..models.trunk import Trunk
from .features import Arrival, Plane
from .layer import LayerState, Scratch, StreamLayer
from .region import LayerRegion, plan_regions

BoxAt = Callable[[int], Box | None]
"""Frame number -> box of that frame's hole, None where it has none or the frame does not exist."""


@dataclass(frozen=True)
class StreamState:
    """Everything between two pushes; immutable, so that a push can be undone by keeping the old one.

    layers: of every layer; skips: encoder frames that a decoder layer still waits for, by the
        encoder layer's name; next_frame: number of the next frame each layer puts out.
    """

    layers: tuple[LayerState, ...]
    skips: dict[str, tuple[Plane, ...]]
    next_frame: tuple[int, ...]

    def to(self, dtype: torch.dtype) -> StreamState:
        """Return the state in another dtype."""
        skips = {k: tuple(p.to(dtype) for p in planes) for k, planes in self.skips.items()}
        return StreamState(tuple(s.to(dtype) for s in self.layers), skips, self.next_frame)


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

    def push(self, values: Tensor | None, box: Box | None, count: int) -> Arrival:
        """Take in new frames of the trunk's input.

        Args:
            values: (count,C,h,w) covering `box`, or None where `input_box` is None.
            box: at least `input_box` of these frames.
            count: number of frames, 1 or more.

        Returns:
            Finished frames of the output, 0 or more; `next_output` counts them.
        """
        factors = () if values is None else (values.to(self.device, self.dtype),)
        return self._run(0, Arrival(factors, box, count, self.spec.inputs), last_at=None)

    def finish(self, index: int) -> Arrival:
        """Put out what layer number `index` still holds, after all earlier layers have finished."""
        layer = self.layers[index]
        empty = Arrival((), None, 0, layer.num_inputs)
        return self._run(index, empty, last_at=index)

    def _run(self, first: int, arrival: Arrival, *, last_at: int | None) -> Arrival:
        """Run layers from `first` on; the state changes only when all of them have run."""
        states, skips = list(self.state.layers), dict(self.state.skips)
        numbers = list(self.state.next_frame)
        for index in range(first, len(self.layers)):
            self.check()
            layer = self.layers[index]
            source = layer.spec.skip_from
            if self.spec.skips and source and arrival.count:
                arrival = replace(arrival, skips=skips[source][: arrival.count])
                skips[source] = skips[source][arrival.count :]
            last = index == last_at
            ready = layer.num_ready(states[index], arrival.count, last=last)
            region = self._plan(index, numbers[index], ready) if ready else None
            arrival, states[index] = layer.step(
                arrival, region, states[index], last=last, scratch=self._scratch
            )
            numbers[index] += arrival.count
            if layer.spec.name in skips and arrival.count:
                planes = tuple(arrival.frame(i)[0] for i in range(arrival.count))
                skips[layer.spec.name] = skips[layer.spec.name] + planes
            if arrival.count == 0:
                break
        self.state = StreamState(tuple(states), skips, tuple(numbers))
        return arrival

    def outputs(self, arrival: Arrival) -> Tensor | None:
        """Return (N,C,h,w) float32 of finished frames covering `arrival.box`, or None."""
        if not arrival.factors:
            return None
        return (arrival.factors[0] * arrival.factors[1]).float()
