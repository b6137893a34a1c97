"""How far a tracked mask can be trusted: its predicted intersection over union with the true one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from .kept import Packed


@dataclass(frozen=True)
class Signals:
    """What one step shows about its own mask; each in 0..1, where 1 is good.

    kept: overlap of the mask with the one that motion alone brings here.
    apart: share of the mask that looks more like the painted object than like its background.
    """

    kept: float
    apart: float


_CONSTANT, _PER_LOSS, _PER_APART, _FIRST_LOSS = 1.05, 0.9, 0.08, 0.1
"""Fitted by logistic regression to the true overlaps on the eval clips, first frame painted; leaving out a
clip at a time, the rank correlation over all frames was 0.69."""
_LEAST = 1e-3

LOST = Signals(0.0, 0.0)


class Trust:
    """The overlap to expect after a number of steps.

    What is lost in one step is not found again, so the overlaps that the steps keep are multiplied. The
    log odds are linear in the logarithms of what that product has lost and of `Signals.apart`.
    """

    def __init__(self) -> None:
        self._kept = 0.0

    def after(self, signals: Signals) -> float:
        """Return the overlap with the true mask to expect after another step, 0 to 1."""
        self._kept += _log(signals.kept)
        loss = math.log(_FIRST_LOSS - self._kept)
        odds = _CONSTANT - _PER_LOSS * loss + _PER_APART * _log(signals.apart)
        return 1 / (1 + math.exp(-odds))


def _log(share: float) -> float:
    return math.log(max(share, _LEAST))


def overlap(one: Tensor, other: Tensor) -> float:
    """Return the intersection over union of masks in [0,1] of the same shape; 1 where both are empty."""
    both = float((one * other).sum())
    union = float((one + other).sum()) - both
    return both / union if union > 0 else 1.0


def fused(found: Sequence[Packed], way: float) -> tuple[Tensor, float]:
    """Join the probabilities of one frame that were tracked from one or two sides.

    Args:
        found: from the painted frame before it, from the one after it, or one of them.
        way: how much of the way from the one before to the one after is behind, 0 to 1.

    Returns:
        Probability (1,1,h,w), and the overlap with the true mask to expect.
    """
    if len(found) == 1:
        return found[0].probability(), found[0].trust
    one, other = (side.probability() for side in found)
    weights = [max(side.trust, _LEAST) ** 2 for side in found]
    weights = weights[0] * (1 - way), weights[1] * way
    share = weights[0] / sum(weights)
    together = share * one + (1 - share) * other
    agreement = overlap((one > 0.5).float(), (other > 0.5).float())
    best, worst = max(side.trust for side in found), min(side.trust for side in found)
    return together, worst + agreement * (best - worst)
