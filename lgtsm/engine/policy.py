"""Where and how to compute: device, dtype and frames at a time, decided once per job."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass

import torch
from torch.nn.functional import conv2d

from ..errors import DeviceError, OptionError
from ..models.combcn import CombCNBody
from ..models.trunk import Trunk
from ..options import DType, RunOptions
from .stream import Stream, StreamSetup
from .trunk_stream import TrunkStream
from .window_stream import WindowStream

_DTYPES = {
    DType.FP32: torch.float32,
    DType.BF16: torch.bfloat16,
    DType.FP16: torch.float16,
}
_CHUNK_PIXELS = 4 * 320 * 180
"""Pixels of a chunk on a CPU: measured, best at 4 frames of 320x180 and 1 of 640x360; larger chunks
leave the caches."""
_CHUNK_PIXELS_GPU = 16 * 1280 * 720
"""The same on other devices; set by hand, not swept."""
_MOST_CHUNK = 16
"""Frames per chunk that auto chooses at most; set by hand, not swept."""
_BF16_GAIN = 0.7
"""Time of the trial convolution in bf16 over float32 below which bf16 is used; set by hand."""


@dataclass(frozen=True)
class Policy:
    """Decisions of one job: device, dtype of the network, frames per chunk."""

    device: torch.device
    dtype: torch.dtype
    chunk: int


def choose_device(name: str) -> torch.device:
    """Return the device a user asked for; auto takes CUDA, else the CPU.

    Raises:
        OptionError: not a device name.
        DeviceError: the device is not there, or is MPS: its grid_sample lacks modes that the copies
            need, and nothing here was run on it.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise OptionError(
            f"Expected a device such as cpu or cuda, got {name!r}; correct the name."
        ) from error
    if device.type == "mps":
        raise DeviceError(
            f"Expected cpu or cuda, got {name}, whose grid_sample lacks what the copies need and on "
            "which nothing was ever run; use cpu or auto."
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"Expected the device {name}, found none; use cpu or auto.")
    try:
        torch.zeros(1, device=device).item()  # torch knows names of devices it is not built for
    except (RuntimeError, NotImplementedError) as error:
        raise DeviceError(
            f"Expected a device that computes, got {name!r}; use cpu, cuda or auto."
        ) from error
    return device


@functools.lru_cache(maxsize=1)
def _bf16_pays_on_cpu() -> bool:
    """Return whether this CPU has matrix units for bf16 and a trial convolution is faster on them.

    Without such hardware bf16 convolutions were measured 20 times slower than float32. Vector
    units alone (AVX512-BF16) gain little, so float32 stays there: same numbers everywhere.
    """
    reported = getattr(torch.cpu, "_is_amx_tile_supported", None)
    if reported is None or not reported():
        return False
    seconds: dict[torch.dtype, float] = {}
    for dtype in (torch.float32, torch.bfloat16):
        x, weight = torch.ones(4, 64, 48, 64, dtype=dtype), torch.ones(64, 64, 3, 3, dtype=dtype)
        x = x.contiguous(memory_format=torch.channels_last)
        conv2d(x, weight)
        began = time.perf_counter()
        for _ in range(3):
            conv2d(x, weight)
        seconds[dtype] = time.perf_counter() - began
    return seconds[torch.bfloat16] < _BF16_GAIN * seconds[torch.float32]


def choose_dtype(wanted: DType, device: torch.device, passed: tuple[str, ...]) -> torch.dtype:
    """Return the dtype of the network.

    Args:
        wanted: as the user asked.
        device: where it runs.
        passed: dtypes (bf16, fp16) that the weight file lists as good enough.
    """
    if wanted is not DType.AUTO:
        return _DTYPES[wanted]
    if device.type == "cpu":
        return torch.bfloat16 if "bf16" in passed and _bf16_pays_on_cpu() else torch.float32
    if device.type == "cuda":
        if "bf16" in passed and torch.cuda.is_bf16_supported():
            return torch.bfloat16
        if "fp16" in passed:
            return torch.float16
    return torch.float32


def choose_policy(options: RunOptions, size: tuple[int, int], passed: tuple[str, ...]) -> Policy:
    """Decide for one job.

    Args:
        options: what the user asked for.
        size: (height, width) the network works at.
        passed: dtypes that the weight file lists as good enough.

    Raises:
        OptionError: not a device name.
        DeviceError: a device that is not there.
    """
    device = choose_device(options.device)
    pixels = _CHUNK_PIXELS if device.type == "cpu" else _CHUNK_PIXELS_GPU
    chunk = options.chunk or max(1, min(_MOST_CHUNK, pixels // (size[0] * size[1])))
    return Policy(device, choose_dtype(options.dtype, device, passed), chunk)


def open_stream(trunk: Trunk | CombCNBody, setup: StreamSetup) -> Stream:
    """Return the stream that a network's body allows."""
    if isinstance(trunk, Trunk):
        return TrunkStream(trunk, setup)
    return WindowStream(trunk, setup)
