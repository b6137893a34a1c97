"""Several processes that train one network: who this one is, and what they share.

Plain `torch.distributed`, started by `torchrun`: gradients are averaged by hand after each backward
pass, so a step is the same code with one process and with many, whatever the network's forward
looks like.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from lgtsm.errors import OptionError


@dataclass(frozen=True)
class ProcessGroup:
    """This process among `size`; rank 0 writes files."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and logs."""
        return self.rank == 0

    def share(self, batch: int) -> int:
        """Return how many items of a step are this process's.

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
        flat /= self.size
        for gradient, part in zip(
            gradients, flat.split([g.numel() for g in gradients]), strict=True
        ):
            gradient.copy_(part.view_as(gradient))

    @torch.no_grad()
    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Give every process rank 0's values."""
        if self.size > 1:
            for tensor in tensors:
                distributed.broadcast(tensor, 0)

    def agree(self, value: bool, device: torch.device) -> bool:
        """Tell whether any process says yes."""
        if self.size == 1:
            return value
        flag = torch.tensor(float(value), device=device)
        distributed.all_reduce(flag)
        return bool(flag > 0)

    def of_first(self, value: float, device: torch.device) -> float:
        """Return rank 0's number, so that all processes decide alike."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=device)
        distributed.broadcast(shared, 0)
        return float(shared)


@contextmanager
def open_group(device: str) -> Iterator[ProcessGroup]:
    """Join the processes that `torchrun` has started; a lone process without it.

    Args:
        device: what the run computes on; NCCL connects CUDA devices, gloo everything else.
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
        # nobody leaves while another still works or a thread still holds a tensor of the last exchange:
        # a process that ends at that moment is now and then aborted
        distributed.barrier()
    finally:
        distributed.destroy_process_group()
