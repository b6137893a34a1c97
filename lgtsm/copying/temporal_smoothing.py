"""Temporal smoothing: the fill of a frame averaged with its neighbours' along the motion.

Every frame chooses its copies on its own, so fills flicker where nothing is certain. Fills of the
nearest frames are warped to this one and averaged in, more strongly where it is less certain; what
is certain stays as sharp as it was. The average has a fixed radius, so streamed, resumed and whole
shots give the same result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ..align.sampling import sample_at
from ..fills.averaging import squared_difference
from ..models.spec import SMOOTHING_FRAMES
from ..options import Motion
from .blending import BlendedFill
from .coords import Target, chained_coords
from .shot import Shot
from .source_frames import Search

# set by hand, not swept
_SAME_FILL = 0.2  # difference of colour at which a neighbour's weight falls to 0.6
_FIT = 0.05  # difference around the hole at which a neighbour's weight is halved: it is misaligned
_FULL_DOUBT = 0.03  # expected error from which on neighbours have full weight


def smoothing_reach(search: Search) -> tuple[int, int]:
    """Return how many frames (before, after) are averaged in; none from the future if causal."""
    if not search.motions:
        return 0, 0
    return SMOOTHING_FRAMES, SMOOTHING_FRAMES if search.window[1] else 0


def smooth_in_time(
    shot: Shot, t: int, search: Search, blended_at: Callable[[int], BlendedFill | None]
) -> BlendedFill | None:
    """Average the fill of frame t with its neighbours'.

    Args:
        shot: holds frame t and its neighbours.
        t: the frame.
        search: which source frames are searched.
        blended_at: blended fill of a frame of the shot; None where it has no hole.

    Returns:
        The blended fill of frame t, smoothed; None where it has no hole.
    """
    blended = blended_at(t)
    before, after = smoothing_reach(search)
    others = [s for s in range(t - before, t + after + 1) if s != t and s in shot]
    if blended is None or not others:
        return blended
    candidate, target = blended.candidate, Target(shot, t, blended.box, others)
    motion = Motion.FLOW if Motion.FLOW in search.motions else search.motions[-1]
    coords = chained_coords(target, motion)
    hidden = target.known == 0
    rim = (~hidden).sum().clamp_min(1)
    doubt = (candidate.error / _FULL_DOUBT).clamp_max(1)
    both = torch.cat([candidate.fill, candidate.plain], 1)  # (1,6,h,w)
    warped = torch.cat(
        [_warped(shot, s, blended_at(s), coords[i : i + 1]) for i, s in enumerate(others)]
    )
    difference = squared_difference(warped[:, 3:], candidate.plain)
    misfit = (difference * ~hidden).sum((1, 2, 3), keepdim=True) / rim
    weight = doubt * torch.exp(-difference / (2 * _SAME_FILL * _SAME_FILL))
    weight = weight * (_FIT**2 / (_FIT**2 + misfit))
    total = both + (weight * warped).sum(0, keepdim=True)
    mean = total / (1 + weight.sum(0, keepdim=True))
    fill, plain = torch.where(hidden, mean.clamp(0, 1), both).chunk(2, 1)
    return replace(blended, candidate=replace(candidate, fill=fill, plain=plain))


def _warped(shot: Shot, s: int, blended: BlendedFill | None, coords: Tensor) -> Tensor:
    """Return frame s with its fill and with its plain fill (1,6,h,w), sampled at coordinates."""
    both = torch.cat([shot[s].pixels] * 2, 1)
    if blended is not None:
        part = (..., blended.box.rows, blended.box.columns)
        both[part] = torch.cat([blended.candidate.fill, blended.candidate.plain], 1)
    return sample_at(both, coords, mode="bicubic")
