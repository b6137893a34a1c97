"""Data-parallel training in several processes, and a process pool for making items.

Plain `torch.distributed`, started by `torchrun`: gradients are averaged by hand after each backward
pass, so a step is the same code with one process and with many, whatever the network's forward
looks like.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, distributed

from lgtsm.errors import OptionError

Result = TypeVar("Result")


@dataclass(frozen=True)
class ProcessGroup:
    """This process's rank among `size` processes."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def is_main(self) -> bool:
        """Whether this is rank 0, which alone writes files and logs."""
        return self.rank == 0

    def local_batch(self, batch: int) -> int:
        """Return this process's number of items in a batch.

        Raises:
            OptionError: the batch cannot be divided evenly.
        """
        if batch % self.size:
            raise OptionError(
                f"Expected a batch that {self.size} processes can divide evenly, got {batch}; "
                "start another number of processes or pass --batch."
            )
        return batch // self.size

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of a detached tensor over all processes."""
        if self.size == 1:
            return value
        total = value.detach().clone()
        distributed.all_reduce(total)
        return total / self.size

    @torch.no_grad()
    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace gradients by their mean over all processes, in one exchange."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        if not gradients:
            return
        flat = torch.cat([g.flatten() for g in gradients])
        distributed.all_reduce(flat)
        parts = (flat / self.size).split([g.numel() for g in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    @torch.no_grad()
    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Copy rank 0's values to every process."""
        if self.size > 1:
            for tensor in tensors:
                distributed.broadcast(tensor, 0)

    def any(self, value: bool, device: torch.device) -> bool:
        """Return whether the value is true in any process."""
        if self.size == 1:
            return value
        flag = torch.tensor(float(value), device=device)
        distributed.all_reduce(flag)
        return bool(flag > 0)

    def from_main(self, value: float, device: torch.device) -> float:
        """Return rank 0's number, so that all processes decide alike."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=device)
        distributed.broadcast(shared, 0)
        return float(shared)


@contextmanager
def open_group(device: str) -> Iterator[ProcessGroup]:
    """Join the processes that `torchrun` has started; a single process without it.

    Args:
        device: of the run; NCCL connects CUDA devices, gloo everything else.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ProcessGroup()
        return
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield ProcessGroup(
            distributed.get_rank(),
            distributed.get_world_size(),
            int(os.environ.get("LOCAL_RANK", "0")),
        )
        # no process may leave while another still works or a thread still holds a tensor of the
        # last exchange: it would sometimes be aborted
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def map_in_processes(
    work: Callable[[int], Result], numbers: Iterable[int], workers: int
) -> Iterator[Result]:
    """Yield `work(number)` for every number, in order.

    Args:
        work: can be pickled.
        numbers: read all at once where there are several processes.
        workers: processes of one thread each; up to 1 works in this process.
    """
    if workers <= 1:
        yield from map(work, numbers)
        return
    context = multiprocessing.get_context("spawn")
    # the processes share the cores
    with ProcessPoolExecutor(
        workers, context, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        yield from pool.map(work, numbers)
