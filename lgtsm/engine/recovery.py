"""How to tell that a step has gone wrong, and what to say when nothing helps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from .policy import Policy
from .splitting import SplitStream
from .stream import TrunkStream

Result = TypeVar("Result")


def attempt(run: Callable[[], Result]) -> Result | None:
    """Run something; return None where memory ran out.

    The exception ends here: a retry inside an `except` block would keep the tensors of the failed
    attempt alive through its traceback, and memory would run out again.
    """
    try:
        return run()
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
    return None


def is_finite(outputs: Tensor | None, stream: TrunkStream | SplitStream) -> bool:
    """Check what a step put out and, in half precision, the frames that are on their way too.

    An overflow reaches the outputs many frames late, when the state before it is gone.
    """
    values = [] if outputs is None else [outputs]
    if stream.dtype != torch.float32:
        values += stream.held()
    return not values or bool(torch.stack([v.isfinite().all() for v in values]).all())


def is_out_of_memory(error: BaseException) -> bool:
    """Tell a lack of memory from other failures: CPU allocators raise plain RuntimeErrors."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return "out of memory" in text or "not enough memory" in text or "can't allocate" in text


def advice(size: tuple[int, int], policy: Policy) -> str:
    """Say what came and what would fit."""
    smaller = max(64, int(max(size) * 0.7) // 16 * 16)
    return (
        f"Expected enough memory on {policy.device} for one frame of {size[1]}x{size[0]}, got too "
        f"little; lower max_side to {smaller} or less, or use another device."
    )
