"""The most main memory that this process has held."""

from __future__ import annotations

import sys
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
