"""A running mean over pixels, and the ratio of two of them that survives flat pictures."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

ONE_LEVEL = 1 / 255
"""Added above and below a ratio: differences of less than a level cannot be seen."""


@dataclass
class RunningMean:
    """Sum and number of values; in double precision, for clips of any length."""

    total: float = 0.0
    count: int = 0

    def add(self, values: Tensor) -> None:
        """Take all values of a tensor of any shape."""
        self.total += float(values.double().sum())
        self.count += values.numel()

    @property
    def value(self) -> float:
        """Return the mean, 0 where nothing came."""
        return self.total / max(1, self.count)


def relative(one: RunningMean, other: RunningMean) -> float | None:
    """Return (one + 1/255) / (other + 1/255); None where either had no pixel."""
    if not (one.count and other.count):
        return None
    return (one.value + ONE_LEVEL) / (other.value + ONE_LEVEL)
