"""How many threads compute on the CPU: those that other programs leave free.

Threads of one operation wait for each other, and an operation lasts microseconds. On a busy machine each
wait lasts as long as another program's turn: two threads on two busy cores took 100 to 212 seconds for what
one did in 10 to 14.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import torch

_LOAD = Path("/proc/loadavg")
_GROUP = Path("/sys/fs/cgroup")
_SAMPLES, _PAUSE = 5, 0.005


@contextmanager
def computing_threads(wanted: int) -> Generator[int, None, None]:
    """Let torch compute with a number of threads; put its own number back afterwards.

    Args:
        wanted: number of threads; 0 chooses at most torch's own.

    Yields:
        The number.
    """
    before = torch.get_num_threads()
    number = wanted or free_threads(before)
    torch.set_num_threads(number)
    try:
        yield number
    finally:
        torch.set_num_threads(before)


def free_threads(most: int) -> int:
    """Return how many threads, 1 to `most`, find a core of their own now."""
    most = min(most, _granted_cores() or most)
    busy = _busy_cores() if most > 1 else 0
    return max(1, min(most, (os.cpu_count() or most) - busy))


def _busy_cores() -> int:
    """Return how many cores others use: tasks that run or wait to run, on Linux; elsewhere 0."""
    found: list[int] = []
    for number in range(_SAMPLES):
        try:
            running = _LOAD.read_text(encoding="ascii").split()[3].partition("/")[0]
            found.append(int(running) - 1)  # this one runs
        except (OSError, ValueError, IndexError):
            return 0
        if number + 1 < _SAMPLES:
            time.sleep(_PAUSE)
    return round(median(found))


def _granted_cores() -> int:
    """Return how many cores a container may use, 0 where that is not limited."""
    try:
        quota, period = (_GROUP / "cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        try:  # the older form
            quota, period = (
                (_GROUP / "cpu" / name).read_text(encoding="ascii")
                for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            )
        except OSError:
            return 0
    try:
        return max(0, math.ceil(int(quota) / int(period)))
    except (ValueError, ZeroDivisionError):  # "max"
        return 0
