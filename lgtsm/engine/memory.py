"""How much memory a job has taken, in so far as the system tells."""

from __future__ import annotations

import sys

import torch

try:
    import resource
except ImportError:  # not on Windows
    resource = None


def peak_memory(device: str) -> int:
    """Return the most bytes that this process has held so far.

    Args:
        device: as torch writes it; on CUDA the tensors there count, elsewhere all of the process.

    Returns:
        Bytes; 0 where the system does not tell. Earlier jobs of the same process count too.
    """
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    if resource is None:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most) if sys.platform == "darwin" else int(most) * 1024
