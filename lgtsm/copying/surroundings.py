"""How well neighbouring frames predict what surrounds a place that no frame shows.

Where they do, what is completed in one frame fits the next ones, too. Where only the colours are
predicted, not the detail, the texture moves by itself, as water does. Where not even these are, a
thing moves there, and what is completed in one frame is wrong in the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..align.sampling import sample_at
from ..box import Box
from ..fills.averaging import local_mean, squared_difference
from .consensus import WarpedPixels, masked_local_mean, match_to_frame
from .plates import PlacedPlate
from .shot import Shot

# set by hand on removals and holes of 432x240, not swept
_DISTANCE = 2  # frames between a frame and the ones by which its surroundings are judged
# root mean square of it above which a key frame does not fit; 0.035, 0.05, 0.075 tried on seven cases
_MAX_MISMATCH = 0.05
_MISMATCH_BLUR = 8  # repetitions of a 3x3 average of the mean difference beside a place
_DETAIL_BLUR = 4  # repetitions of a 3x3 average, beyond which a difference is detail
_GRAIN = 1e-5  # squared detail that is too little to be called texture
# difference of detail over the detail itself: 0 where it is predicted, 2 where it is unrelated
_STILL, _RESTLESS = 0.4, 1.0


@dataclass(frozen=True)
class Surroundings:
    """What surrounds a place, diffused into it, on a part of a frame.

    fits: (1,1,h,w) bool, the colours are predicted.
    motion: (1,1,h,w) in [0,1], how far the texture moves by itself.
    """

    fits: Tensor
    motion: Tensor


def judge(matched: WarpedPixels, frame: Tensor, known: Tensor) -> Surroundings:
    """Compare a frame with one that was warped to it and matched.

    Args:
        matched: R = 1.
        frame: (1,3,h,w).
        known: (1,1,h,w) 1 = known in the frame.
    """
    both = known * matched.shown
    difference = frame - matched.colour
    mean = masked_local_mean(difference, both)
    # what moves by itself beside the place leaves it behind: the frame is another there by now
    fits = local_mean(mean, _MISMATCH_BLUR).square().mean(1, keepdim=True) < _MAX_MISMATCH**2
    changed, detail = (masked_local_mean(_detail(x, both), both) for x in (difference, frame))
    ratio = changed / (detail + _GRAIN)
    return Surroundings(fits, ((ratio - _STILL) / (_RESTLESS - _STILL)).clamp(0, 1))


def judge_by_neighbours(
    shot: Shot, t: int, box: Box, window: tuple[int, int], known: Tensor
) -> Surroundings:
    """Judge a part of frame t by frames before and after it; where there are none, it fits.

    Args:
        shot: holds the frame and its window.
        t: the frame.
        box: the part.
        window: how many frames before and after it may be read.
        known: (1,1,h,w) 1 = compared, of the part.
    """
    frame, _ = shot[t].part(box)
    judged: list[Surroundings] = []
    for s in (t - min(_DISTANCE, window[0]), t + min(_DISTANCE, window[1])):
        if s == t or s not in shot:
            continue
        other = shot[s]
        pixels, other_known = other.pixels, other.known
        coords = PlacedPlate(pixels, s, other_known).coords_from(shot, t, box)
        if coords is None:
            continue
        colour = sample_at(pixels, coords, mode="bicubic")
        coverage = sample_at(other_known, coords, padding="zeros")
        judged.append(judge(match_to_frame(colour, coverage, frame, known), frame, known))
    if not judged:
        return Surroundings(torch.ones_like(known, dtype=torch.bool), torch.zeros_like(known))
    fits = torch.cat([x.fits for x in judged]).all(0, keepdim=True)
    return Surroundings(fits, torch.cat([x.motion for x in judged]).amin(0, keepdim=True))


def _detail(values: Tensor, weights: Tensor) -> Tensor:
    """Return the square (1,1,h,w) of what (1,3,h,w) are above their local mean by weight."""
    mass = local_mean(weights, _DETAIL_BLUR).clamp_min(1e-6)
    return squared_difference(values, local_mean(values * weights, _DETAIL_BLUR) / mass)
