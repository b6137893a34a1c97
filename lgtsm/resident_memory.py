"""Main memory of this process: the most it has held, and what it no longer needs."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable
from pathlib import Path

try:
    import resource
except ImportError:  # not on Windows
    resource = None

_STATUS = Path("/proc/self/status")


def peak_resident_bytes() -> int | None:
    """Return the peak resident memory of this process so far, in bytes; None if the system does not tell."""
    if resource is None:
        return None
    if sys.platform == "linux" and _STATUS.exists():
        # not ru_maxrss: there a process begins with the peak of the one that started it
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most) if sys.platform == "darwin" else int(most) * 1024


def return_freed_memory() -> None:
    """Return freed memory to the system, where the C library would keep it (glibc); else do nothing.

    It takes some milliseconds, and what is allocated next is slower: for use after rare large peaks.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@functools.cache
def _malloc_trim() -> Callable[[int], int] | None:
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
