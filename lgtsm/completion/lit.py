"""What a place looks like where nothing shades it: the brightest colour that several other frames agree on."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import torch
from torch import Tensor

from ..align.sampling import sample_known
from ..copying.coords import Target, registered_coords
from ..options import Motion

# set by hand on two real clips and three rendered scenes, at the working size
_OFFSETS = (3, 6, 9, 12, 15, 18, 21, 25, 29, 33, 38, 43, 48, 56, 64)
"""Distances in time, both ways, in frames: far, as an object leaves its shadow's place slowly."""
_AGREE = 0.06  # brightness difference up to which frames agree
LEAST_SOURCES = 3
_LEAST_SHARE = 0.2  # frames that must agree, also of those that show the place


@dataclass(frozen=True)
class Lit:
    """A part of a frame as if nothing shaded it.

    colours: (3,h,w) in [0,1].
    share: (1,h,w), 1 where enough frames agree, else 0.
    error: (1,h,w) by which they differ, root mean square.
    """

    colours: Tensor
    share: Tensor
    error: Tensor


def lit_part(target: Target, pictures: Tensor) -> Lit:
    """Compare other frames with each other at the places of a part of a frame, along the camera's motion.

    Unlike copies of what surrounds an object, these come from next to the object in other frames, too,
    whose shadow may lie there: hence the brightest that several frames show.

    Args:
        target: the part, and R other frames.
        pictures: (R,4,H,W) of those, RGB in [0,1] and 1 = not the object.
    """
    (coords,) = registered_coords([target], Motion.PLANAR, [target.planar])
    colours, known = sample_known(pictures, coords)
    known = known[:, 0] > 0
    grey = colours.mean(1).masked_fill(~known, -1.0)  # (R,h,w)
    count = known.sum(0)
    least = (_LEAST_SHARE * count).clamp_min(LEAST_SOURCES)
    best = torch.full_like(grey[0], -1.0)
    for one in grey:  # the brightest that enough others agree with
        agreeing = ((grey - one).abs() < _AGREE).sum(0)
        best = torch.where((agreeing >= least) & (one > best), one, best)
    agreed = ((grey - best).abs() < _AGREE) & known
    weights = agreed[:, None] / agreed.sum(0).clamp_min(1)
    mean = (weights * colours).sum(0)
    error = (weights * (colours - mean).square()).sum(0).mean(0, keepdim=True).sqrt()
    return Lit(mean, (best >= 0).float()[None], error)


def lit_sources(t: int, available: Container[int]) -> list[int]:
    """Return the frames to compare frame t with."""
    around = (t + sign * offset for offset in _OFFSETS for sign in (1, -1))
    return sorted(s for s in around if s in available)
