"""Temporal shift: each leading group of channels is filtered by one small kernel over time.

Source: Chang et al. 2019, section 3.2 (learnable gated temporal shift); the fixed shift is that of
Lin et al. 2019 (TSM), with a quarter of the channels in each direction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .fused import kernels_for, plain_shift, slices
from .spec import ShiftKind, ShiftSpec


def one_hot_kernels(spec: ShiftSpec) -> Tensor:
    """Return the shift by whole frames as kernels.

    Args:
        spec: the first half of its groups reads the next frame (the previous one where the shift
            is causal), the rest the previous frame (two frames back where causal).

    Returns:
        (groups, width) float32, one 1 per row; width 1 is the identity.
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


class _Shift(torch.autograd.Function):
    """The shift as one copy and a few in-place sums; half the cost of pad and cat."""

    @staticmethod
    def forward(ctx: Any, clip: Tensor, taps: Tensor, past: int) -> Tensor:
        """Shift clip (B,T,C,h,w) by taps (S,width), one row per shifted channel."""
        ctx.save_for_backward(clip, taps)
        ctx.past = past
        return plain_shift(clip, taps, past)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        """Shift the gradient back, and correlate it with the input for the taps."""
        (grad,) = grad_outputs
        clip: Tensor
        taps: Tensor
        clip, taps = ctx.saved_tensors
        grad_clip = grad_taps = None
        if ctx.needs_input_grad[0]:
            # the adjoint of a correlation is the correlation with the taps reversed in time
            grad_clip = plain_shift(grad, taps.flip(1), taps.shape[1] - 1 - ctx.past)
        if ctx.needs_input_grad[1]:
            num_shifted = taps.shape[0]
            grad_taps = torch.zeros_like(taps)
            for k in range(taps.shape[1]):
                if abs(k - ctx.past) >= clip.shape[1]:
                    continue
                written, read = slices(k - ctx.past)
                product = grad[:, written, :num_shifted] * clip[:, read, :num_shifted]
                grad_taps[:, k] = product.sum((0, 1, 3, 4))
        return grad_clip, grad_taps, None


# torch does not annotate `apply`
_shift: Callable[[Tensor, Tensor, int], Tensor] = _Shift.apply  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


class TemporalShift(nn.Module):
    """Learned or fixed temporal shift of the leading channels.

    `kernels` (groups, width): out[t] = sum over k of kernels[g, k] * in[t + k - past], zero outside
    the clip; shared by all channels of a group. Learned kernels are parameters, fixed ones a buffer
    that is not saved; without a shift there are none, (0,1).
    """

    kernels: Tensor

    def __init__(self, spec: ShiftSpec, num_channels: int) -> None:
        super().__init__()
        self.spec = spec
        self.group_size = spec.shifted(num_channels)
        if spec.kind is ShiftKind.LEARNED:
            self.kernels = nn.Parameter(one_hot_kernels(spec))
        else:
            fixed = spec.kind is ShiftKind.FIXED
            kernels = one_hot_kernels(spec) if fixed else torch.zeros(0, 1)
            self.register_buffer("kernels", kernels, persistent=False)

    def taps(self) -> Tensor:
        """Return the kernels repeated to one row (width) per shifted channel; may be empty."""
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
            past, taps = self.spec.past, taps.to(x.dtype).contiguous()
            return kernels.shift(x, taps, past, num_frames, num_frames, -past)
        clip = torch.unflatten(x, 0, (-1, num_frames))  # (B,T,C,h,w)
        return _shift(clip, taps, self.spec.past).flatten(0, 1)
