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

_STATUS, _STATM = Path("/proc/self/status"), Path("/proc/self/statm")


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


_SLACK = 128 * 2**20
"""Bytes that the C library may keep before they are returned; set by hand. Using so much anew takes the
system some hundredths of a second."""


class FreedMemory:
    """Returns freed memory to the system where the C library would keep it (glibc); else it does nothing.

    Tensors of many sizes that come and go leave gaps between those that stay: without it, a long clip of
    1920x1080 held half as much again.
    """

    def __init__(self) -> None:
        self._least: int | None = None  # resident after the last time

    def return_where_much(self) -> None:
        """Return it if the process has grown by more than `_SLACK` since it was returned last."""
        trim, resident = _malloc_trim(), _resident_bytes()
        if trim is None or resident is None:
            return
        if self._least is not None and resident > self._least + _SLACK:
            trim(0)
            resident = _resident_bytes() or resident
            self._least = resident
        self._least = resident if self._least is None else min(self._least, resident)


def _resident_bytes() -> int | None:
    """Return the resident memory of this process now; None if the system does not tell."""
    if resource is None or not _STATM.exists():
        return None
    return int(_STATM.read_text().split()[1]) * resource.getpagesize()


@functools.cache
def _malloc_trim() -> Callable[[int], int] | None:
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
