"""Choice between fused kernels and plain torch for the elementwise steps of a gated layer.

On CUDA with triton, activation, gate and their product are one kernel and the temporal shift is
another, with one pass over memory each. Triton is optional: without it, on other devices, where
gradients are needed and where the kernels fail a trial, `kernels_for` returns None and plain torch
computes the same.
"""

from __future__ import annotations

import functools
import logging
import math
from types import ModuleType

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

_LOG = logging.getLogger(__name__)
_DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def kernels_on(device: torch.device, dtype: torch.dtype) -> ModuleType | None:
    """Return the module `kernels` where it works, else None; the kernels have no gradients."""
    if device.type != "cuda" or dtype not in _DTYPES:
        return None
    return _tried_kernels(device)


def kernels_for(*tensors: Tensor) -> ModuleType | None:
    """Return the module `kernels` where it can run on these tensors (N,C,h,w), else None."""
    first = tensors[0]
    kernels = None if torch.is_grad_enabled() else kernels_on(first.device, first.dtype)
    if kernels is None or not first.numel():
        return None
    dense = first.is_contiguous() or first.is_contiguous(memory_format=torch.channels_last)
    alike = all(x.stride() == first.stride() and x.dtype == first.dtype for x in tensors)
    return kernels if dense and alike else None


@functools.lru_cache(maxsize=16)
def _tried_kernels(device: torch.device) -> ModuleType | None:
    """Import the kernels and try them once per device; return None where they fail or differ.

    Compiling them requires a C compiler, which not every machine has.
    """
    try:
        from . import kernels  # triton is optional and slow to import

        with torch.no_grad():
            error = max(_trial_error(kernels, device, dtype) for dtype in _DTYPES)
    except ImportError:
        _LOG.info("triton is not installed; activations and shifts run unfused")
        return None
    except Exception as error:  # noqa: BLE001  compilers and drivers raise anything
        _LOG.warning("fused kernels cannot run on %s, continuing without them: %s", device, error)
        return None
    if error > 1:
        _LOG.warning("fused kernels give wrong results on %s, continuing without them", device)
        return None
    return kernels


def _trial_error(kernels: ModuleType, device: torch.device, dtype: torch.dtype) -> float:
    """Return the largest difference from plain torch on an odd shape, relative to the tolerance."""
    rng = torch.Generator().manual_seed(0)
    x, gate = torch.randn(2, 5, 7, 3, 11, generator=rng).to(device, dtype)
    taps = torch.randn(4, 3, generator=rng).to(device, dtype)
    worst = 0.0
    for layout in (torch.channels_last, torch.contiguous_format):
        a, b = x.contiguous(memory_format=layout), gate.contiguous(memory_format=layout)
        pairs = (
            (kernels.shift(a, taps, 1, 5, 5, -1), plain_shift(a[None], taps, 1)[0]),
            (kernels.leaky_gate_(a.clone(), b, 0.2), leaky_relu(a, 0.2) * b.sigmoid()),
        )
        for result, expected in pairs:
            allowed = 8 * torch.finfo(dtype).eps * (1 + expected.abs().float())
            worst = max(worst, float(((result.float() - expected.float()).abs() / allowed).max()))
    return float("inf") if math.isnan(worst) else worst


def slices(offset: int) -> tuple[slice, slice]:
    """Return the frames to write and those to read for out[t] = in[t + offset]."""
    if offset >= 0:
        return slice(None, -offset or None), slice(offset, None)
    return slice(-offset, None), slice(None, offset)


def plain_shift(clip: Tensor, taps: Tensor, past: int) -> Tensor:
    """Correlate the leading channels of clips with their taps, as `kernels.shift` on whole clips.

    Args:
        clip: (B,T,C,h,w); zero outside.
        taps: (S,width) of the first S channels.
        past: index of the tap of the frame itself.

    Returns:
        A new (B,T,C,h,w).
    """
    num_shifted, width = taps.shape
    out = clip.clone()
    source = clip[:, :, :num_shifted]
    weights = taps[:, :, None, None].to(clip.dtype)
    target = out[:, :, :num_shifted]
    target.mul_(weights[:, past])
    for k in range(width):
        offset = k - past
        if offset == 0 or abs(offset) >= clip.shape[1]:
            continue  # the clip is shorter than the reach of this tap
        written, read = slices(offset)
        target[:, written].addcmul_(source[:, read], weights[:, k])
    return out
