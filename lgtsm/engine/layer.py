"""One gated layer as a stream: boxes in, boxes out, every frame computed once.

The layer keeps the input frames that its temporal kernels still need. Convolutions run without
padding on buffers that carry the needed border, zero where it lies outside the frame, in
channels-last layout; nearest x2 followed by 3x3 runs as one transposed convolution, with 4/9 of the
arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu_

from ..box import Box
from ..models.gated import SLOPE, GatedLayer
from .features import Arrival, FramePlanes, leading, paste
from .region import LayerRegion


@dataclass(frozen=True)
class LayerState:
    """What a layer keeps between pushes; replaced, never changed, so that a push can be undone.

    past: shifted channels of the frames before the pending ones, newest last.
    pending: whole frames whose output waits for later frames.
    """

    past: tuple[FramePlanes, ...] = ()
    pending: tuple[FramePlanes, ...] = ()

    def to(self, dtype: torch.dtype) -> LayerState:
        """Return the state in another dtype."""
        past, pending = (
            tuple(tuple(plane.to(dtype) for plane in frame) for frame in frames)
            for frames in (self.past, self.pending)
        )
        return LayerState(past, pending)


def transposed_weight(weight: Tensor) -> Tensor:
    """Turn 3x3 kernels after nearest x2 into 4x4 kernels of a stride-2 transposed convolution.

    Args:
        weight: (O,I,3,3).

    Returns:
        (I,O,4,4); tap o - 2i + 1 collects the 3x3 taps that read coarse pixel i for fine pixel o.
    """
    taps = weight.new_zeros(4, 3)
    for fine in (0, 1):
        for tap in range(3):
            coarse = (fine + tap - 1) // 2
            taps[fine - 2 * coarse + 1, tap] += 1
    return torch.einsum("ay,bx,oiyx->ioab", taps, taps, weight)


class StreamLayer:
    """A gated layer's weights, laid out for streaming, and its step."""

    def __init__(self, module: GatedLayer, device: torch.device, dtype: torch.dtype) -> None:
        self.spec = module.layer
        self.device, self.dtype = device, dtype
        taps = module.shift.taps().detach().to(device, torch.float32)
        self.num_shifted = taps.shape[0]
        self.past = module.shift.spec.past if self.num_shifted else 0
        self.future = module.shift.spec.future if self.num_shifted else 0
        self.taps = taps[:, :, None, None].to(dtype)  # (S,width,1,1)
        self.feature = self._lay_out(module.feature)
        self.gate = self._lay_out(module.gate)
        self.num_inputs = module.feature.in_channels
        self.num_outputs = module.feature.out_channels

    def _lay_out(self, conv: torch.nn.Conv2d) -> tuple[Tensor, Tensor]:
        weight = conv.weight.detach().to(self.device, torch.float32)
        if self.spec.upsample:
            weight = transposed_weight(weight)
        weight = weight.to(self.dtype).contiguous(memory_format=torch.channels_last)
        return weight, conv.bias.detach().to(self.device, self.dtype)

    def _convolve(self, x: Tensor, parameters: tuple[Tensor, Tensor]) -> Tensor:
        weight, bias = parameters
        if self.spec.upsample:
            # one coarse pixel of border makes two fine rows too many on each side: padding 1 + 2
            return conv_transpose2d(x, weight, bias, stride=2, padding=3)
        return conv2d(x, weight, bias, stride=self.spec.stride, dilation=self.spec.dilation)

    def num_ready(self, state: LayerState, arriving: int, *, last: bool) -> int:
        """Return how many frames are put out once `arriving` more have come."""
        waiting = len(state.pending) + arriving
        return waiting if last else max(0, waiting - self.future)

    def step(
        self, arrival: Arrival, region: LayerRegion | None, state: LayerState, *, last: bool
    ) -> tuple[Arrival, LayerState]:
        """Take in new frames and compute those that are ready.

        Args:
            arrival: new frames of the input, 0 or more.
            region: what to compute for the ready frames; None when nothing is needed of them.
            state: of this layer.
            last: no frames will come after these.

        Returns:
            The ready frames of the output and the new state.
        """
        ready = self.num_ready(state, arrival.count, last=last)
        after = self._keep(arrival, state, ready)
        if ready == 0 or region is None:
            return Arrival((), None, ready, self.num_outputs), after
        buffer = self._gather(arrival, region.inputs, region.frame, state)
        gate = self._convolve(buffer[:ready], self.gate)
        if self.num_shifted:
            self._shift(buffer, region.inputs, state, ready)
        feature = self._convolve(buffer[:ready], self.feature)
        if self.spec.activation:
            feature = leaky_relu_(feature, SLOPE)
        factors = (feature, gate.sigmoid_())
        return Arrival(factors, region.outputs, ready, self.num_outputs), after

    def _keep(self, arrival: Arrival, state: LayerState, ready: int) -> LayerState:
        """Return the frames that later steps read: the last `past` ready ones, and the rest."""
        held = len(state.pending)

        def frame(index: int) -> FramePlanes:
            return state.pending[index] if index < held else arrival.frame(index - held)

        pending = tuple(frame(i) for i in range(ready, held + arrival.count))
        if not self.past:
            return LayerState((), pending)
        fresh = [leading(frame(i), self.num_shifted) for i in range(max(0, ready - self.past), ready)]
        return LayerState((*state.past, *fresh)[-self.past :], pending)

    def _gather(self, arrival: Arrival, box: Box, frame: Box, state: LayerState) -> Tensor:
        """Lay pending and new frames side by side, (N,C,h,w) covering `box`, zero outside."""
        held = len(state.pending)
        shape = (held + arrival.count, self.num_inputs, box.height, box.width)
        buffer = torch.empty(
            shape, dtype=self.dtype, device=self.device, memory_format=torch.channels_last
        )
        inside = (box & frame).within(box)
        covered = held == 0 and not arrival.skips and arrival.box is not None
        if covered and (arrival.box & box) == (box & frame):
            # only the border outside the frame stays unwritten
            buffer[:, :, : inside[0].start] = 0
            buffer[:, :, inside[0].stop :] = 0
            buffer[:, :, :, : inside[1].start] = 0
            buffer[:, :, :, inside[1].stop :] = 0
        else:
            buffer.zero_()
        for index, planes in enumerate(state.pending):
            paste(planes, buffer[index], box)
        if arrival.count:
            arrival.write(buffer[held:], box)
        return buffer

    def _shift(self, buffer: Tensor, box: Box, state: LayerState, ready: int) -> None:
        """Correlate the leading channels of the ready frames with the taps, in place."""
        moved = buffer[:, : self.num_shifted]
        row = torch.zeros(
            (self.past + buffer.shape[0] + self.future, *moved.shape[1:]),
            dtype=self.dtype,
            device=self.device,
        ).to(memory_format=torch.channels_last)
        row[self.past : self.past + buffer.shape[0]] = moved
        for back, planes in enumerate(reversed(state.past)):
            paste(planes, row[self.past - 1 - back], box)
        target = moved[:ready]
        torch.mul(row[:ready], self.taps[:, 0], out=target)
        for k in range(1, self.taps.shape[1]):
            target.addcmul_(row[k : k + ready], self.taps[:, k])
