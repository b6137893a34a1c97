"""How far a tracked mask can be trusted: its predicted intersection over union with the true one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from .kept import Packed

_CONSTANT, _PER_LOSS, _PER_WORST = -0.97, 0.25, 0.91
_FIRST_LOSS, _FIRST_WORST = 0.1, 0.02
"""Fitted by logistic regression to the true overlaps on the eval clips, first frame painted, and on rendered scenes
at double weight, in which masks leak; leaving out a clip at a time, the rank correlation over all frames
of the eval clips was 0.72."""
_LEAST = 0.05


class Trust:
    """The overlap to expect after a number of steps.

    What is lost in one step is not found again, so the overlaps that the steps keep are multiplied, and
    the worst step counts by itself: one that hardly knows where the object went may have left it. The log
    odds are linear in the logarithms of both losses.
    """

    def __init__(self) -> None:
        self._loss = self._worst = 0.0

    def after(self, kept: float) -> float:
        """Return the overlap with the true mask to expect after another step.

        Args:
            kept: overlap of its mask with the one that motion alone brings there, 0 to 1.

        Returns:
            0 to 1.
        """
        loss = -math.log(max(kept, _LEAST))
        self._loss, self._worst = self._loss + loss, max(self._worst, loss)
        odds = _CONSTANT - _PER_LOSS * math.log(_FIRST_LOSS + self._loss)
        odds -= _PER_WORST * math.log(_FIRST_WORST + self._worst)
        return 1 / (1 + math.exp(-odds))


def overlap(one: Tensor, other: Tensor) -> float:
    """Return the intersection over union of masks in [0,1] of the same shape; 1 where both are empty."""
    both = float((one * other).sum())
    union = float((one + other).sum()) - both
    return both / union if union > 0 else 1.0


def shown(mask: Tensor, other: Tensor) -> float:
    """Return how much of an object a painted mask shows, 0 to 1, by the mask of another frame.

    A frame that shows but a part of the object knows the rest of it as background. Only the picture's edge
    can have cut it: an object that is small is far away.

    Args:
        mask: (1,1,h,w), 1 = object.
        other: the same of the other frame.
    """
    edges = (mask[..., :1, :], mask[..., -1:, :], mask[..., :1], mask[..., -1:])
    area, whole = float(mask.sum()), float(other.sum())
    if area >= whole or not any(bool(edge.any()) for edge in edges):
        return 1.0
    return (area / whole) ** 0.5


def far_share(way: float, shares: tuple[float, float]) -> float:
    """Return how much the painted frame ahead counts against the one behind, 0 to 1.

    Args:
        way: how much of the way between them is behind, 0 to 1.
        shares: of the object that are `shown` behind and ahead.
    """
    behind, ahead = (1 - way) * shares[0], way * shares[1]
    return ahead / (behind + ahead)


def fused(
    found: Sequence[Packed], way: float, shares: tuple[float, float] = (1.0, 1.0)
) -> tuple[Tensor, float]:
    """Join the probabilities of one frame that were tracked from one or two sides.

    Args:
        found: from the painted frame before it, from the one after it, or one of them.
        way: how much of the way from the one before to the one after is behind, 0 to 1.
        shares: of the object that the painted frames show, see `shown`.

    Returns:
        Probability (1,1,h,w), and the overlap with the true mask to expect.
    """
    if len(found) == 1:
        return found[0].probability(), found[0].trust
    one, other = (side.probability() for side in found)
    weights = [max(side.trust, _LEAST) ** 2 for side in found]
    later = far_share(way, shares)
    weights = weights[0] * (1 - later), weights[1] * later
    share = weights[0] / sum(weights)
    together = share * one + (1 - share) * other
    agreement = overlap((one > 0.5).float(), (other > 0.5).float())
    best, worst = max(side.trust for side in found), min(side.trust for side in found)
    return together, worst + agreement * (best - worst)
