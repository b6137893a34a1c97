"""Temporal shift: leading channel groups pass through one small kernel over time each.

Source: Chang et al. 2019, section 3.2 (learnable gated temporal shift); the fixed shift is that of
Lin et al. 2019 (TSM) with a quarter of the channels each way.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .fused import kernels_for
from .spec import ShiftKind, ShiftSpec


def one_hot_kernels(spec: ShiftSpec) -> Tensor:
    """Return the plain shift as kernels.

    Args:
        spec: the shift; its first half of groups brings the next frame (the previous one where the
            shift is causal), the rest the previous frame (two frames back where causal).

    Returns:
        (groups, width) float32, one 1 a row; width 1 is the identity.
    """
    kernels = torch.zeros(spec.groups, spec.width)
    for group in range(spec.groups):
        if spec.width == 1:
            offset = 0
        elif spec.causal:
            offset = -1 if 2 * group < spec.groups else -2
        else:
            offset = 1 if 2 * group < spec.groups else -1
        kernels[group, spec.past + offset] = 1.0
    return kernels


def _slices(offset: int) -> tuple[slice, slice]:
    """Return where to write and where to read so that out[t] takes in[t + offset]."""
    if offset >= 0:
        return slice(None, -offset or None), slice(offset, None)
    return slice(-offset, None), slice(None, offset)


class _Shift(torch.autograd.Function):
    """The shift as one copy and a few in-place sums; autograd's own pads and joins cost twice it."""

    @staticmethod
    def forward(ctx, clip: Tensor, taps: Tensor, past: int) -> Tensor:
        """Shift clip (B,T,C,h,w) by taps (S,width), one row a shifted channel."""
        ctx.save_for_backward(clip, taps)
        ctx.past = past
        return _mix(clip, taps, past)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor | None, None]:
        """Shift the gradient back and correlate it with the input for the taps."""
        clip, taps = ctx.saved_tensors
        grad_clip = grad_taps = None
        if ctx.needs_input_grad[0]:
            # the adjoint of a correlation is the correlation with the taps reversed in time
            grad_clip = _mix(grad, taps.flip(1), taps.shape[1] - 1 - ctx.past)
        if ctx.needs_input_grad[1]:
            num_shifted = taps.shape[0]
            grad_taps = torch.zeros_like(taps)
            for k in range(taps.shape[1]):
                if abs(k - ctx.past) >= clip.shape[1]:
                    continue
                to, of = _slices(k - ctx.past)
                product = grad[:, to, :num_shifted] * clip[:, of, :num_shifted]
                grad_taps[:, k] = product.sum((0, 1, 3, 4))
        return grad_clip, grad_taps, None


def _mix(clip: Tensor, taps: Tensor, past: int) -> Tensor:
    """Return clip (B,T,C,h,w) with its first channels correlated in time with taps (S,width)."""
    num_shifted, width = taps.shape
    out = clip.clone()
    moved = clip[:, :, :num_shifted]
    weights = taps[:, :, None, None].to(clip.dtype)
    target = out[:, :, :num_shifted]
    target.mul_(weights[:, past])
    for k in range(width):
        offset = k - past
        if offset == 0 or abs(offset) >= clip.shape[1]:
            continue  # the clip is shorter than the reach of this tap
        to, of = _slices(offset)
        target[:, to].addcmul_(moved[:, of], weights[:, k])
    return out


class TemporalShift(nn.Module):
    """Learned or fixed temporal shift of the leading channels.

    `kernels` (groups, width): out[t] = sum over k of kernels[g, k] * in[t + k - past], zero outside
    the clip; shared by all channels of the group. Learned kernels are parameters, fixed ones a
    buffer that is not saved.
    """

    def __init__(self, spec: ShiftSpec, num_channels: int) -> None:
        super().__init__()
        self.spec = spec
        self.group_size = spec.shifted(num_channels)
        if spec.kind is ShiftKind.LEARNED:
            self.kernels = nn.Parameter(one_hot_kernels(spec))
        elif spec.kind is ShiftKind.FIXED:
            self.register_buffer("kernels", one_hot_kernels(spec), persistent=False)

    def taps(self) -> Tensor:
        """Return the kernels repeated to one row (width) a shifted channel; may be empty."""
        if self.spec.kind is ShiftKind.NONE:
            return torch.zeros(0, 1)
        return self.kernels.repeat_interleave(self.group_size, 0)

    def forward(self, x: Tensor, num_frames: int) -> Tensor:
        """Shift a batch of clips.

        Args:
            x: (B*T,C,h,w) features.
            num_frames: T.

        Returns:
            (B*T,C,h,w), a new tensor unless nothing is shifted; `x` is not changed.
        """
        taps = self.taps()
        if taps.shape[0] == 0:
            return x
        kernels = kernels_for(x)
        if kernels is not None:
            past, same = self.spec.past, taps.to(x.dtype).contiguous()
            return kernels.shift(x, same, past, num_frames, num_frames, -past)
        clip = x.unflatten(0, (-1, num_frames))  # (B,T,C,h,w)
        return _Shift.apply(clip, taps, self.spec.past).flatten(0, 1)
