"""Triton kernels behind `fused`; imported on use, where triton is installed.

Both compute in float32 and round once; the unfused steps round after each.
"""
# Kernels are no Python functions: triton compiles their text, and has no types for it.
# pyright: basic, reportMissingImports=false, reportIndexIssue=false, reportArgumentType=false, reportGeneralTypeIssues=false

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

_BLOCK = 1024
"""Elements of one program."""


@triton.jit
def _leaky_gate_kernel(feature, gate, out, size, slope, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < size
    x = tl.load(feature + at, mask=inside, other=0.0).to(tl.float32)
    g = tl.load(gate + at, mask=inside, other=0.0).to(tl.float32)
    x = tl.where(x >= 0, x, x * slope)
    x = x * (1.0 / (1.0 + tl.exp(-g)))
    tl.store(out + at, x.to(out.dtype.element_ty), mask=inside)


@triton.jit
def _shift_kernel(  # noqa: PLR0913  kernels take no objects
    x,
    taps,
    out,
    num_in,
    num_out,
    first,
    frame_size,
    inner,
    num_shifted,
    WIDTH: tl.constexpr,
    PAST: tl.constexpr,
    CHANNELS_LAST: tl.constexpr,
    BLOCK: tl.constexpr,
):
    frame = tl.program_id(1).to(tl.int64)
    clip, t = frame // num_out, frame % num_out
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < frame_size
    if CHANNELS_LAST:  # inner is the number of channels
        channel = at % inner
    else:  # inner is the number of pixels
        channel = at // inner
    shifted = inside & (channel < num_shifted)
    # tl.full: what triton itself writes in its language, as tl.zeros, the interpreter runs only where it
    # was chosen before triton was first imported
    total = tl.full((BLOCK,), 0.0, tl.float32)
    for k in tl.static_range(WIDTH):
        s = t + first + k + 0 * at  # as a block: scalars cannot be combined with a mask
        # the taps of unshifted channels are the identity
        tap = tl.load(taps + channel * WIDTH + k, mask=shifted, other=1.0 if k == PAST else 0.0)
        tap = tap.to(tl.float32)
        known = inside & (s >= 0) & (s < num_in) & (tap != 0)
        value = tl.load(x + (clip * num_in + s) * frame_size + at, mask=known, other=0.0)
        total += tap * value.to(tl.float32)
    tl.store(out + frame * frame_size + at, total.to(out.dtype.element_ty), mask=inside)


def leaky_gate_(feature: Tensor, gate: Tensor, slope: float) -> Tensor:
    """Replace the feature by leaky_relu(feature) * sigmoid(gate), in place.

    Args:
        feature: (N,C,h,w), dense; changed.
        gate: the same shape, dtype and strides.
        slope: for negative features; 1 is the identity.

    Returns:
        `feature`.
    """
    size = feature.numel()
    with torch.cuda.device_of(feature):
        grid = (triton.cdiv(size, _BLOCK),)
        _leaky_gate_kernel[grid](feature, gate, feature, size, slope, BLOCK=_BLOCK)
    return feature


def shift(x: Tensor, taps: Tensor, past: int, num_in: int, num_out: int, first: int) -> Tensor:
    """Correlate the leading channels of clips with their taps; copy the others.

    Args:
        x: (B*num_in,C,h,w), dense.
        taps: (S,width), of the first S channels; contiguous.
        past: index of the tap of the frame itself.
        num_in: input frames per clip.
        num_out: output frames per clip.
        first: input frame that the first tap of the first output frame reads; frames outside the
            clip are zero.

    Returns:
        (B*num_out,C,h,w) in the layout of `x`.
    """
    num_clips = x.shape[0] // num_in
    last = x.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if last else torch.contiguous_format
    shape = (num_clips * num_out, *x.shape[1:])
    out = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=layout)
    channels, pixels = x.shape[1], x.shape[2] * x.shape[3]
    with torch.cuda.device_of(x):
        _shift_kernel[(triton.cdiv(channels * pixels, _BLOCK), len(out))](
            x,
            taps,
            out,
            num_in,
            num_out,
            first,
            channels * pixels,
            channels if last else pixels,
            taps.shape[0],
            WIDTH=taps.shape[1],
            PAST=past,
            CHANNELS_LAST=last,
            BLOCK=_BLOCK,
        )
    return out
