"""Work on numbered things, in this process or in several of one thread each."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

import torch

Made = TypeVar("Made")


def make_each(one: Callable[[int], Made], numbers: Iterable[int], workers: int) -> Iterator[Made]:
    """Yield what `one` makes of every number, in order.

    Args:
        one: can be sent to another process.
        numbers: taken all at once where there are several processes.
        workers: processes; up to 1 works in this one.
    """
    if workers <= 1:
        yield from map(one, numbers)
        return
    # the processes share the cores
    limit = {"initializer": torch.set_num_threads, "initargs": (1,)}
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), **limit) as pool:
        yield from pool.map(one, numbers)
