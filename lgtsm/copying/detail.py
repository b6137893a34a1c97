"""Which frames lend fine detail to a hole that was filled at reduced size, and from where."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..box import Box
from .blend_weights import MOTIONS
from .candidates import Candidates


@dataclass(frozen=True)
class Detail:
    """Frames that lend detail to a part of one frame.

    box: the part; numbers: R frame numbers; coords: (R,2,h,w) where its pixels lie in them;
    weights: (R,1,h,w), adding up to the share of copies in the fill, 0 outside the hole.
    """

    box: Box
    numbers: tuple[int, ...]
    coords: Tensor
    weights: Tensor


def choose_detail(candidates: Candidates, weights: Tensor) -> Detail | None:
    """Take the copies under the kind of motion that weighs most.

    Args:
        candidates: of one frame.
        weights: (1,4,h,w) of the smooth fill and of the copies under each kind of motion.

    Returns:
        None where nothing was copied.
    """
    inside = weights[:, 1:] * candidates.hole
    total = inside.sum((0, 2, 3))
    best = int(total.argmax())
    lent = candidates.lent.get(MOTIONS[best])
    if lent is None or float(total[best]) <= 0:
        return None
    # squared: the mean of several copies would wash their finest detail out
    sharp = lent.weights.square()
    sharp = sharp / sharp.sum(0, keepdim=True).clamp_min(1e-12)
    share = inside.sum(1, keepdim=True)
    return Detail(candidates.box, lent.numbers, lent.coords, torch.nan_to_num(sharp * share))
