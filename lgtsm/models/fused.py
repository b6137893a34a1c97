"""Elementwise steps of a gated layer in one pass over memory each, where the device has kernels.

On CUDA with triton the activation, the gate and their product are one kernel, the temporal shift
another. Nobody has to have triton: without it, on other devices, where gradients are wanted, and
where the kernels do not pass a trial, `kernels_for` gives None and plain torch does the same.
"""

from __future__ import annotations

import functools
import logging
from types import ModuleType

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

_LOG = logging.getLogger(__name__)
_DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def kernels_on(device: torch.device, dtype: torch.dtype) -> ModuleType | None:
    """Return the module `kernels` where it works, else None; they give no gradients.

    Args:
        device: where the tensors are.
        dtype: of the tensors.
    """
    if device.type != "cuda" or dtype not in _DTYPES:
        return None
    return _tried_kernels(device)


def kernels_for(*tensors: Tensor) -> ModuleType | None:
    """Return the module `kernels` where it can work on some tensors (N,C,h,w), else None."""
    first = tensors[0]
    kernels = None if torch.is_grad_enabled() else kernels_on(first.device, first.dtype)
    if kernels is None or not first.numel():
        return None
    dense = first.is_contiguous() or first.is_contiguous(memory_format=torch.channels_last)
    alike = all(x.stride() == first.stride() and x.dtype == first.dtype for x in tensors)
    return kernels if dense and alike else None


@functools.lru_cache(maxsize=16)
def _tried_kernels(device: torch.device) -> ModuleType | None:
    """Import the kernels and try them on a device, once: None where they fail or differ.

    Compiling them needs a C compiler, which not every machine has.
    """
    try:
        from . import kernels  # triton takes long to import and is not everywhere

        with torch.no_grad():
            error = max(_trial_error(kernels, device, dtype) for dtype in _DTYPES)
    except ImportError:
        _LOG.info("triton is not installed: activations and shifts run step by step")
        return None
    except Exception as error:  # noqa: BLE001  compilers and drivers raise anything
        _LOG.warning("fused kernels cannot run on %s, going on without: %s", device, error)
        return None
    if error > 1:
        _LOG.warning("fused kernels are wrong on %s, going on without", device)
        return None
    return kernels


def _trial_error(kernels: ModuleType, device: torch.device, dtype: torch.dtype) -> float:
    """Return the largest difference from plain torch in some odd shape, in units of what is due."""
    rng = torch.Generator().manual_seed(0)
    x, gate = torch.randn(2, 5, 7, 3, 11, generator=rng).to(device, dtype)
    taps = torch.randn(4, 3, generator=rng).to(device, dtype)
    worst = 0.0
    for layout in (torch.channels_last, torch.contiguous_format):
        a, b = x.contiguous(memory_format=layout), gate.contiguous(memory_format=layout)
        pairs = (
            (kernels.shift(a, taps, 1, 5, 5, -1), plain_shift(a, taps, 1, 5, 5, -1)),
            (kernels.leaky_gate_(a.clone(), b, 0.2), leaky_relu(a, 0.2) * b.sigmoid()),
        )
        for found, wanted in pairs:
            allowed = 8 * torch.finfo(dtype).eps * (1 + wanted.abs().float())
            worst = max(worst, float(((found.float() - wanted.float()).abs() / allowed).max()))
    return worst if worst == worst else float("inf")


def plain_shift(
    x: Tensor, taps: Tensor, past: int, num_in: int, num_out: int, first: int
) -> Tensor:
    """Do what `kernels.shift` does, in plain torch; arguments and result as there."""
    clips = x.unflatten(0, (-1, num_in))  # (B,num_in,C,h,w)
    end = max(0, first + num_out - 1 + taps.shape[1] - num_in)
    padded = torch.nn.functional.pad(clips, (0, 0) * 3 + (max(0, -first), end))
    start = max(0, first)
    rows = [padded[:, start + k : start + k + num_out] for k in range(taps.shape[1])]
    out = rows[past].clone()
    shifted = out[:, :, : taps.shape[0]].zero_()
    for row, tap in zip(rows, taps.unbind(1), strict=True):
        shifted.addcmul_(row[:, :, : taps.shape[0]], tap[:, None, None])
    return out.flatten(0, 1)
