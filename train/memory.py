"""Out of memory: find the largest batch that fits, so that the error can propose it."""

from __future__ import annotations

from collections.abc import Callable

import torch

from lgtsm.errors import DeviceError


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that a device or this machine has no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


def largest_that_fits(attempt: Callable[[int], object], most: int) -> int:
    """Return the largest number of items, by halving, that an attempt survives; 0 if none does.

    Args:
        attempt: does the work of a step with so many items.
        most: what is known not to fit.
    """
    size = most // 2
    while size:
        try:
            attempt(size)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            size //= 2
        else:
            return size
    return 0


def too_large(items: int, fits: int) -> DeviceError:
    """Return the error that proposes what fits."""
    if fits:
        advice = f"pass --at-once {fits}, the largest that fits (the batch stays {items})"
    else:
        advice = "take a narrower network or smaller crops"
    return DeviceError(
        f"Expected memory for {items} items at once, got too little on this device; {advice}."
    )
