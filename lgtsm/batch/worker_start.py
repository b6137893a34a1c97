"""How worker processes begin. No torch: a command calls this before it imports anything slow."""

from __future__ import annotations

import multiprocessing
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

_PRELOADED = "lgtsm.batch.pool"


def worker_context() -> ForkServerContext | SpawnContext:
    """Return what starts worker processes; what it needs for that begins to be ready at once.

    On Linux a server process imports torch once, meanwhile, and workers are copies of it: they begin at
    once, one that was lost too, and share its memory. It computes nothing, so no device is in use, and its only
    threads are idle ones of OpenBLAS, which makes them anew in a copy; it ends with this process. Elsewhere every worker is a fresh interpreter. A copy of the
    calling process is never made: it would share its threads and locks.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_PRELOADED])
    forkserver.ensure_running()  # where the caller has one already, that is taken
    return context
