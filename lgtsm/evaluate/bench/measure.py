"""Measure time and memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from ...resident_memory import peak_resident_bytes

_PEAK_CHANNELS = 256
_PEAK_SIZE = (45, 80)
"""The published network's widest layers at 320x180."""


@dataclass(frozen=True)
class Mark:
    """A point in time: of the host or its processor in seconds, and of a device that runs asynchronously."""

    host: float
    event: torch.cuda.Event | None = None


class Clock:
    """Time the work of a device: by events on CUDA, which runs asynchronously, else by the host.

    Where one thread computes, its processor time counts, so that what else the machine does does not.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._on_cuda = device.type == "cuda"
        is_alone = device.type == "cpu" and torch.get_num_threads() == 1
        self._now = time.process_time if is_alone else time.perf_counter

    def mark(self) -> Mark:
        """Return a point in time of the device's work."""
        if not self._on_cuda:
            return Mark(self._now())
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self.device))
        return Mark(self._now(), event)

    def between(self, began: Mark, ended: Mark) -> float:
        """Return the seconds between two marks; waits for the device."""
        if began.event is None or ended.event is None:
            return ended.host - began.host
        torch.cuda.synchronize(self.device)
        return began.event.elapsed_time(ended.event) / 1000

    def seconds(self, work: Callable[[], object]) -> float:
        """Return the seconds that some work takes until the device has finished it."""
        if self._on_cuda:
            torch.cuda.synchronize(self.device)
        began = self.mark()
        work()
        return self.between(began, self.mark())


def interleave(works: Sequence[Callable[[], float]], rounds: int) -> list[list[float]]:
    """Run several measurements alternately, so that a busy machine slows all of them.

    Args:
        works: each returns seconds.
        rounds: how often, 1 or more, after one warm-up round.

    Returns:
        One list of `rounds` seconds per work.
    """
    results: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for work, result in zip(works, results, strict=True):
            seconds = work()
            if number:
                result.append(seconds)
    return results


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


class PeakMemory:
    """Peak device memory since its creation on CUDA; elsewhere the peak of the process so far."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def bytes(self) -> int | None:
        """Return the peak in bytes."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device)
        return peak_resident_bytes()
