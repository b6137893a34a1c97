"""All candidates for one hole: the smooth fill, and the consensus under each kind of motion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import itemgetter

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from ..align.sampling import KNOWN, sample_at
from ..box import Box
from ..fills.averaging import halve, pad_even, squared_difference
from ..fills.candidate_fill import map_tensors
from ..fills.depth import chessboard_depth
from ..fills.smooth import smooth_fill
from ..options import Motion
from .consensus import (
    Consensus,
    find_consensus,
    masked_local_mean,
    select_consensus,
    warp_sources,
)
from .coords import Target, chained_coords, half_size_coords, plane_coords, registered_coords
from .shot import Shot
from .source_frames import Search, choose_source_frames, offsets_within

# set by hand, not swept
_SEAM_RIM_PX = 8  # known rim around a hole's box for which candidates are made: seams show there
_TRIAL_RING_PX = 9  # width of the known ring around a hole on which the smooth fill is tried
_DEPTH_STEP = 2  # pixels to which the feature `depth` is rounded up
_MAX_DEPTH = 32  # pixels at which it ends
_DEPTH_UNIT = 16  # pixels per unit of it


@dataclass(frozen=True)
class CopySources:
    """Source frames of the copies on one part of a frame.

    box: the part.
    numbers: R frame numbers.
    coords: (R,2,h,w) of the part's pixels in them.
    weights: (R,1,h,w) of their pixels.
    """

    box: Box
    numbers: tuple[int, ...]
    coords: Tensor
    weights: Tensor


@dataclass(frozen=True)
class Candidates:
    """Candidates for the part of a frame around its hole.

    box: the part.
    context: the larger part on which copies are compared.
    frame: (1,3,h,w) of the part, its hole filled smoothly: the first candidate.
    hole: (1,1,h,w).
    smooth_features: (1,4,h,w) `SMOOTH_FEATURES`.
    by_motion: consensus under each motion that was tried and found frames.
    sources: where each copied from.
    """

    box: Box
    context: Box
    frame: Tensor
    hole: Tensor
    smooth_features: Tensor
    by_motion: dict[Motion, Consensus]
    sources: dict[Motion, CopySources]


SMOOTH_FEATURES = ("variance", "trial_error", "depth", "log_area")
"""Squared contrast around the hole, squared error of filling a known ring around it, distance to
the nearest known pixel over 16 pixels, log of the hole's area in pixels."""


def gather_candidates(shot: Shot, t: int, search: Search) -> Candidates | None:
    """Gather the candidates for the hole of frame t.

    Args:
        shot: holds frame t and its window.
        t: the frame; one without a hole gives None.
        search: which source frames are searched.
    """
    where = shot[t].hole
    if where is None:
        return None
    context, box = where.context, where.box.grow(_SEAM_RIM_PX) & where.context
    part = (..., *box.within(context))
    near = [t + o for o in offsets_within(*search.window) if t + o in shot]
    target = Target(shot, t, context, near)
    frame, hole = target.crop(target.frame.pixels), 1 - target.crop(target.frame.known)
    by_motion: dict[Motion, Consensus] = {}
    sources: dict[Motion, CopySources] = {}
    for motion in search.motions:
        found = _copy(target, motion, search.count) if near else None
        if found is not None:
            consensus, numbers, coords = found
            copy = map_tensors(itemgetter(part), consensus)
            by_motion[motion] = copy
            sources[motion] = CopySources(box, tuple(numbers), coords[part], copy.weights)
    return Candidates(
        box=box,
        context=context,
        frame=frame[part],
        hole=hole[part],
        smooth_features=_smooth_features(frame, hole)[part],
        by_motion=by_motion,
        sources=sources,
    )


def _copy(target: Target, motion: Motion, count: int) -> tuple[Consensus, list[int], Tensor] | None:
    """Copy under one kind of motion from `count` sources at most.

    Returns:
        Consensus, R frame numbers and coordinates (R,2,h,w); None where no frame shows the hole.
    """
    if motion is Motion.FLOW and target.shot.learned is not None:
        target = replace(
            target, sources=target.sources[:count]
        )  # the nearest: each costs a network
    half_size = half_size_coords(target, motion)
    hidden = halve(pad_even(1 - target.crop(target.frame.known)))[0, 0] > 0
    in_hole = half_size[..., hidden][:, :, None]  # (R,2,1,P)
    shown = torch.cat(
        [
            sample_at(target.shot[s].known, in_hole[i : i + 1], padding="zeros")[0, 0] > KNOWN
            for i, s in enumerate(target.sources)
        ]
    )
    indices = choose_source_frames(shown, target.offsets, count)
    if not indices:
        return None
    numbers = [target.sources[i] for i in indices]
    chosen = replace(target, sources=numbers)
    chained = chained_coords(chosen, motion, half_size[indices])
    tried = [registered_coords(chosen, motion, chained)]
    if motion is Motion.FLOW and target.shot.learned is None:
        tried += plane_coords(chosen, tried[0])
    found = [find_consensus(warp_sources(chosen, coords), chosen.offsets) for coords in tried]
    consensus, coords = select_consensus(found, tried)
    return consensus, numbers, coords


def _smooth_features(frame: Tensor, hole: Tensor) -> Tensor:
    """Return `SMOOTH_FEATURES` (1,4,h,w) of a smoothly filled frame (1,3,h,w) and its hole."""
    known = 1 - hole
    mean = masked_local_mean(frame, known)
    variance = masked_local_mean(squared_difference(frame, mean), known)
    wider = max_pool2d(hole, 2 * _TRIAL_RING_PX + 1, 1, _TRIAL_RING_PX)
    trial = smooth_fill(frame, wider)
    trial_error = masked_local_mean(squared_difference(trial, frame), wider * known)
    depth = chessboard_depth(hole, step=_DEPTH_STEP, most=_MAX_DEPTH) / _DEPTH_UNIT
    log_area = torch.log(hole.sum().clamp_min(1.0)).expand_as(hole)
    return torch.cat([variance, trial_error, depth, log_area], 1)
