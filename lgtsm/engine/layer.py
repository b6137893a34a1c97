"""One layer of the trunk as a stream: every frame is computed once, inside a box.

The layer keeps the input frames that its temporal kernels still need. Convolutions run without
padding on buffers that carry the needed border, zero where it lies outside the frame, in
channels-last layout; nearest x2 followed by 3x3 runs as one transposed convolution, with 4/9 of the
multiply-adds. The temporal shift is one depthwise convolution over (time, pixels): one pass over the
features, where a copy and a sum per tap took 4 to 7 times as long. Kernels over three frames run as
three convolutions on neighbouring frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu_

from ..models.fused import kernels_on
from ..models.gated import SLOPE, GatedLayer
from .features import FeatureBatch, FrameFeatures, covers, leading, paste
from .region import LayerRegion


@dataclass(frozen=True)
class LayerState:
    """What a layer keeps between pushes; immutable, so that a push can be undone.

    past: what later frames read of the frames before the pending ones, newest last: the shifted
        channels, or all of them where kernels cover several frames.
    pending: whole frames whose output waits for later frames.
    """

    past: tuple[FrameFeatures, ...] = ()
    pending: tuple[FrameFeatures, ...] = ()

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


class Scratch:
    """One block of memory in which the layers of a stream assemble their input, one after the other.

    On a CPU fresh memory costs a page fault per 4 KiB, more than writing it; devices with a caching
    allocator of their own get fresh tensors.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self._memory = torch.empty(0, device=device, dtype=dtype)

    def take(self, shape: tuple[int, int, int, int]) -> Tensor:
        """Return an uninitialised channels-last (N,C,h,w); it is void after the next take."""
        num, channels, height, width = shape
        if self._memory.device.type != "cpu":
            return torch.empty(
                shape,
                dtype=self._memory.dtype,
                device=self._memory.device,
                memory_format=torch.channels_last,
            )
        size = num * channels * height * width
        if self._memory.numel() < size:
            self._memory = self._memory.new_empty(
                0
            )  # free the old piece before taking a larger one
            self._memory = self._memory.new_empty(size)
        return self._memory[:size].view(num, height, width, channels).permute(0, 3, 1, 2)


class StreamLayer:
    """A layer's weights, laid out for streaming, and its step."""

    def __init__(self, module: GatedLayer, device: torch.device, dtype: torch.dtype) -> None:
        self.spec = module.layer
        self.device, self.dtype = device, dtype
        taps = module.shift.taps().detach().to(device, torch.float32)
        self.num_shifted = taps.shape[0]
        self.kernel_frames = module.kernel_frames
        shift = module.shift.spec
        around = module.kernel_frames // 2
        self.past = shift.past if self.num_shifted else around
        self.future = shift.future if self.num_shifted else around
        self.taps = taps[:, :, None, None].to(dtype)  # (S,width,1,1)
        self._taps = taps.to(dtype)  # (S,width)
        self.fused = kernels_on(device, dtype)
        self._kernels = self._temporal_kernels(taps, module.feature.in_channels)
        self.feature = self._lay_out(module.feature)
        self.gate = self._lay_out(module.gate) if module.gate is not None else None
        self.num_inputs = module.feature.in_channels
        self.num_kept = self.num_shifted if module.kernel_frames == 1 else self.num_inputs
        self.num_outputs = module.feature.out_channels

    def _temporal_kernels(self, taps: Tensor, num_channels: int) -> Tensor | None:
        """Return depthwise kernels (C,1,width,1), identity for channels that are not shifted."""
        # odd channel counts miss the fast path of the convolution; elsewhere it was not measured
        if self.device.type != "cpu" or num_channels % 8 or not self.num_shifted:
            return None
        kernels = torch.zeros(num_channels, 1, taps.shape[1], 1)
        kernels[:, 0, self.past] = 1
        kernels[: self.num_shifted, 0, :, 0] = taps
        return kernels.to(self.dtype)

    def _lay_out(self, conv: torch.nn.Module) -> list[tuple[Tensor, Tensor]]:
        """Return a weight (O,I,k,k) and a bias for every frame that a kernel covers."""
        weight, bias = (parameter.detach().to(self.device) for parameter in conv.parameters())
        weight, bias = weight.float(), bias.to(self.dtype)
        parts: list[tuple[Tensor, Tensor]] = []
        for frame in weight.unbind(2) if self.kernel_frames > 1 else [weight]:
            part = transposed_weight(frame) if self.spec.upsample else frame
            part = part.to(self.dtype).contiguous(memory_format=torch.channels_last)
            parts.append((part, bias if not parts else torch.zeros_like(bias)))
        return parts

    def _convolve(self, x: Tensor, parameters: tuple[Tensor, Tensor]) -> Tensor:
        weight, bias = parameters
        if self.spec.upsample:
            # one coarse pixel of border makes two fine rows too many on each side: padding 1 + 2
            return conv_transpose2d(x, weight, bias, stride=2, padding=3)
        return conv2d(x, weight, bias, stride=self.spec.stride, dilation=self.spec.dilation)

    def _convolve_frames(self, row: Tensor, parts: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Convolve in space and time: one 2-D convolution a frame of the kernel, summed.

        Args:
            row: (ready frames + frames of the kernel - 1,C,h,w).
            parts: of `_lay_out`.
        """
        ready = len(row) - len(parts) + 1
        total = self._convolve(row[:ready], parts[0])
        for k in range(1, len(parts)):
            total += self._convolve(row[k : k + ready], parts[k])
        return total

    def num_ready(self, state: LayerState, arriving: int, *, last: bool) -> int:
        """Return how many output frames are ready once `arriving` more inputs have come."""
        waiting = len(state.pending) + arriving
        return waiting if last else max(0, waiting - self.future)

    def step(
        self,
        batch: FeatureBatch,
        region: LayerRegion | None,
        state: LayerState,
        *,
        last: bool,
        scratch: Scratch,
    ) -> tuple[FeatureBatch, LayerState]:
        """Add new frames and compute those that are ready.

        Args:
            batch: new frames of the input, 0 or more.
            region: what to compute for the ready frames; None when nothing is needed of them.
            state: of this layer.
            last: no frames will come after these.
            scratch: memory for the input; nothing returned refers to it.

        Returns:
            The ready frames of the output and the new state.
        """
        ready = self.num_ready(state, batch.count, last=last)
        after = self._keep(batch, state, ready)
        if ready == 0 or region is None:
            return FeatureBatch((), None, ready, self.num_outputs), after
        row = self._gather(batch, region, state, ready, scratch)
        # without a shift the row holds just the frames that the kernels cover
        present = row[self.past : self.past + ready] if self.num_shifted else row
        gate = None
        if self.gate is not None:  # before the shift, which may change the row
            gate = self._convolve_frames(present, self.gate)
            if self.fused is None:
                gate = gate.sigmoid_()  # while it is in the caches
        shifted = self._shift(row, ready) if self.num_shifted else present
        factors = self._activate(self._convolve_frames(shifted, self.feature), gate)
        return FeatureBatch(factors, region.outputs, ready, self.num_outputs), after

    def _activate(self, feature: Tensor, gate: Tensor | None) -> tuple[Tensor, ...]:
        """Return the factors of the output; both tensors may be changed.

        Args:
            feature: (ready,C,h,w), convolved.
            gate: the same, convolved, behind its sigmoid unless kernels do that; or None.
        """
        if gate is not None and self.fused is not None:
            slope = SLOPE if self.spec.activation else 1.0
            return (self.fused.leaky_gate_(feature, gate, slope),)
        if self.spec.activation:
            feature = leaky_relu_(feature, SLOPE)
        return (feature,) if gate is None else (feature, gate)

    def _keep(self, batch: FeatureBatch, state: LayerState, ready: int) -> LayerState:
        """Return the frames that later steps read: the last `past` ready ones, and the rest."""
        held = len(state.pending)

        pending = (
            *state.pending[ready:],
            *map(batch.frame, range(max(0, ready - held), batch.count)),
        )
        if not self.past:
            return LayerState((), pending)
        whole = self.num_kept == self.num_inputs
        fresh: list[FrameFeatures] = []
        for i in range(max(0, ready - self.past), ready):
            if i >= held:
                fresh.append(batch.frame(i - held, None if whole else self.num_kept))
            else:
                frame = state.pending[i]
                fresh.append(frame if whole else leading(frame, self.num_kept))
        return LayerState((*state.past, *fresh)[-self.past :], pending)

    def _gather(
        self,
        batch: FeatureBatch,
        region: LayerRegion,
        state: LayerState,
        ready: int,
        scratch: Scratch,
    ) -> Tensor:
        """Assemble what the ready frames read, consecutive in time, zero where nothing is known.

        Returns:
            (past + ready + future,C,h,w) covering `region.inputs`; the past frames hold only the
            channels that are kept.
        """
        box, held = region.inputs, len(state.pending)
        length = self.past + ready + self.future
        row = scratch.take((length, self.num_inputs, box.height, box.width))
        inside = box & region.frame
        oldest = self.past - len(state.past)
        frames = {oldest + i: planes for i, planes in enumerate(state.past)}
        frames.update({self.past + i: planes for i, planes in enumerate(state.pending)})
        arrived = range(self.past + held, self.past + held + batch.count)
        known = batch.covers(inside)
        is_known = [
            (t in arrived and known) or (self.past <= t in frames and covers(frames[t], inside))
            for t in range(length)
        ]
        for begin, end in _runs(is_known):
            if is_known[begin]:
                _clear_border(row[begin:end], inside.within(box))
            else:
                row[begin:end].zero_()
        for t, planes in frames.items():
            paste(planes, row[t], box)
        if batch.count:
            batch.write(row[arrived.start : arrived.stop], box)
        return row

    def _shift(self, row: Tensor, ready: int) -> Tensor:
        """Correlate the leading channels of the ready frames with the taps.

        Args:
            row: (past + ready + future,C,h,w); may be changed.
            ready: number of output frames.

        Returns:
            (ready,C,h,w), channels-last.
        """
        length, channels, height, width = row.shape
        if self.fused is not None:
            return self.fused.shift(row, self._taps, self.past, length, ready, 0)
        if self._kernels is not None:
            plane = row.permute(0, 2, 3, 1).view(1, length, height * width, channels)
            mixed = conv2d(plane.permute(0, 3, 1, 2), self._kernels, groups=channels)
            mixed = mixed.permute(0, 2, 3, 1).view(ready, height, width, channels)
            return mixed.permute(0, 3, 1, 2)
        present = row[self.past : self.past + ready]
        mixed = row[:ready, : self.num_shifted] * self.taps[:, 0]
        for k in range(1, self.taps.shape[1]):
            mixed.addcmul_(row[k : k + ready, : self.num_shifted], self.taps[:, k])
        present[:, : self.num_shifted] = mixed
        return present


def _runs(values: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield where runs of equal values begin and end."""
    begin = 0
    for _, run in groupby(values):
        end = begin + len(list(run))
        yield begin, end
        begin = end


def _clear_border(frames: Tensor, inside: tuple[slice, slice]) -> None:
    """Zero frames (N,C,h,w) outside some rows and columns."""
    (rows, columns), (height, width) = inside, frames.shape[-2:]
    if rows.start > 0:
        frames[..., : rows.start, :] = 0
    if rows.stop < height:
        frames[..., rows.stop :, :] = 0
    if columns.start > 0:
        frames[..., rows, : columns.start] = 0
    if columns.stop < width:
        frames[..., rows, columns.stop :] = 0
