"""Clocks and memory: what a speed is made of."""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import conv2d

_PEAK_CHANNELS = 256
_PEAK_SIZE = (45, 80)
"""The published network's widest layers at 320x180: what a convolution can reach at best here."""


class Clock:
    """Seconds between two points of a device's work.

    CUDA work runs behind the program: events on the device time it, the host waits at the end.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._on_cuda = device.type == "cuda"

    def mark(self) -> float | torch.cuda.Event:
        """Return a point in time of the device's work."""
        if not self._on_cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self.device))
        return event

    def between(self, began: float | torch.cuda.Event, ended: float | torch.cuda.Event) -> float:
        """Return the seconds between two marks; waits for the device."""
        if not self._on_cuda:
            return ended - began
        torch.cuda.synchronize(self.device)
        return began.elapsed_time(ended) / 1000

    def seconds(self, work: Callable[[], object]) -> float:
        """Return the seconds that some work takes, until the device has done all of it."""
        if self._on_cuda:
            torch.cuda.synchronize(self.device)
        began = self.mark()
        work()
        return self.between(began, self.mark())


def interleave(works: Sequence[Callable[[], float]], rounds: int) -> list[list[float]]:
    """Run several measurements in turns, so that a busy minute hits all of them.

    Args:
        works: each returns seconds.
        rounds: how often, 1 or more; one round more is run before and thrown away.

    Returns:
        One list a work, `rounds` seconds each.
    """
    results: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for work, result in zip(works, results, strict=True):
            seconds = work()
            if number:
                result.append(seconds)
    return results


def median(values: Sequence[float]) -> float:
    """Return the middle value, the mean of two where there is no middle."""
    return statistics.median(values)


class PeakConvolution:
    """A 3x3 convolution 256 -> 256, channels-last, at 45x80: this machine's convolution rate."""

    def __init__(self, device: torch.device, dtype: torch.dtype, batch: int = 4) -> None:
        generator = torch.Generator().manual_seed(0)

        def noise(*shape: int) -> Tensor:
            values = torch.randn(shape, generator=generator).to(device, dtype)
            return values.contiguous(memory_format=torch.channels_last)

        self.clock = Clock(device)
        self._x = noise(batch, _PEAK_CHANNELS, *_PEAK_SIZE)
        self._weight = noise(_PEAK_CHANNELS, _PEAK_CHANNELS, 3, 3)
        self.macs = batch * _PEAK_SIZE[0] * _PEAK_SIZE[1] * 9 * _PEAK_CHANNELS**2

    def seconds(self) -> float:
        """Run it once and return the seconds."""
        return self.clock.seconds(lambda: conv2d(self._x, self._weight, padding=1))


def peak_resident_bytes() -> int | None:
    """Return the most memory this process has held so far; None where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource  # not there on Windows

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if platform.system() == "Darwin" else used * 1024


class PeakMemory:
    """Most device memory since it was made: exact on CUDA, the process's own peak elsewhere."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def bytes(self) -> int | None:
        """Return the peak in bytes; on a CPU earlier work of the process counts too."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device)
        return peak_resident_bytes()
