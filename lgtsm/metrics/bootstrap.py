"""95 % intervals by resampling clips (Efron and Tibshirani 1993, chapter 13: percentiles)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
MIN_CLIPS = 6
"""With fewer, differences that all have one sign by chance would pass too often (2 in 2^5)."""
_SEED = 20190713


@dataclass(frozen=True)
class Estimate:
    """A mean over clips: its 95 % interval (None below `MIN_CLIPS`), how many were averaged.

    `num_infinite` counts values that were infinite (results equal to the truth; in differences
    `num_minus_infinite` those of the other side); they are reported and not averaged, and the mean is
    infinite where all were, on one side.
    """

    mean: float | None
    low: float | None
    high: float | None
    num: int
    num_infinite: int = 0
    num_minus_infinite: int = 0

    @property
    def excludes_zero(self) -> bool:
        """Tell whether the interval lies on one side of 0."""
        return self.low is not None and self.high is not None and self.low * self.high > 0


def estimate_mean(values: Sequence[float]) -> Estimate:
    """Return the mean of one value a clip, with its interval.

    Args:
        values: one number a clip; infinite ones are counted apart.

    Returns:
        The estimate; the same values in the same order give the same interval.
    """
    finite = np.array([v for v in values if math.isfinite(v)], dtype=np.float64)
    infinite = (sum(v == math.inf for v in values), sum(v == -math.inf for v in values))
    if not len(finite):
        ends = {v for v in values if math.isinf(v)}
        mean = ends.pop() if len(ends) == 1 else None
        return Estimate(mean, None, None, 0, *infinite)
    mean = float(finite.mean())
    if len(finite) < MIN_CLIPS:
        return Estimate(mean, None, None, len(finite), *infinite)
    rng = np.random.default_rng(_SEED)
    picks = rng.integers(len(finite), size=(RESAMPLES, len(finite)))
    low, high = np.quantile(finite[picks].mean(1), (0.025, 0.975))
    return Estimate(mean, float(low), float(high), len(finite), *infinite)
