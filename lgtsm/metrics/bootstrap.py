"""95 % bootstrap intervals over clips (Efron and Tibshirani 1993, chapter 13: percentiles)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
MIN_CLIPS = 6
"""With fewer clips, differences of one sign occur by chance too often (2 in 2^5)."""
_SEED = 20190713


@dataclass(frozen=True)
class Estimate:
    """A mean over `num` clips with its 95 % interval (None below `MIN_CLIPS`).

    Infinite values (the PSNR of a result equal to the truth, or a difference of one) are counted by
    sign in `num_infinite` and `num_minus_infinite` and are not averaged; the mean is infinite if all
    values are, with one sign.
    """

    mean: float | None
    low: float | None
    high: float | None
    num: int
    num_infinite: int = 0
    num_minus_infinite: int = 0

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval is on one side of 0."""
        return self.low is not None and self.high is not None and self.low * self.high > 0


def estimate_mean(values: Sequence[float]) -> Estimate:
    """Return the mean of one value per clip with its interval.

    Equal values in equal order give an equal interval.
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
