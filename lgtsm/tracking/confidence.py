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

    decided: overlap of the mask with the object to be expected from each pixel's probability.
    kept: overlap of the mask with the one that motion alone brings here.
    apart: share of the mask that looks more like the painted object than like its background.
    followed: how well flow to and fro agrees inside the mask.
    """

    decided: float
    kept: float
    apart: float
    followed: float


LOST = Signals(0.0, 0.0, 0.0, 0.0)


class Trust:
    """The overlap to expect after a number of steps, each of which can only lower it."""

    def __init__(self) -> None:
        self._chain = 0.0

    def after(self, signals: Signals) -> float:
        """Return the overlap with the true mask to expect after another step, 0 to 1."""
        self._chain += math.log(max(signals.kept, 1e-3))
        return signals.decided


def overlap(one: Tensor, other: Tensor) -> float:
    """Return the intersection over union of masks in [0,1] of the same shape; 1 where both are empty."""
    both = float((one * other).sum())
    union = float((one + other).sum()) - both
    return both / union if union > 0 else 1.0


def fused(found: Sequence[Packed]) -> tuple[Tensor, float]:
    """Join the probabilities of one frame that were tracked from one or two sides.

    Returns:
        Probability (1,1,h,w), and the overlap with the true mask to expect.
    """
    if len(found) == 1:
        return found[0].probability(), found[0].trust
    one, other = (side.probability() for side in found)
    weight, against = (max(side.trust, 1e-3) ** 2 for side in found)
    share = weight / (weight + against)
    together = share * one + (1 - share) * other
    agreement = overlap((one > 0.5).float(), (other > 0.5).float())
    best = max(side.trust for side in found)
    return together, agreement * best + (1 - agreement) * min(side.trust for side in found)
