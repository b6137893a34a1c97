"""All candidates for one hole: the smooth fill, and the consensus under each kind of motion."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from ..align.sampling import KNOWN, sample_at
from ..box import Box
from ..fills.averaging import halve, pad_even
from ..fills.depth import chessboard_depth
from ..fills.smooth import smooth_fill
from ..options import FlowMethod, Motion
from .consensus import Consensus, find_consensus, masked_local_mean, sample_copies, select_consensus
from .coords import Target, coarse_coords, exact_coords, plane_coords, rough_coords
from .shot import Shot
from .source_frames import choose_source_frames, offsets_within

# set by hand, not swept
_RIM_PX = 8  # known rim around a hole's box for which candidates are made: seams show there
_RING_PX = 9  # width of the known ring around a hole on which the smooth fill is tried
_DEPTH_STEP, _MAX_DEPTH, _DEPTH_UNIT = 2, 32, 16  # of the feature `depth`, in pixels


@dataclass(frozen=True)
class Search:
    """Which source frames are searched, and how.

    motions: kinds of motion to try: none, planar, flow; () for no copies.
    window: how far sources may be (before, after), in frames.
    count: how many of them may lend pixels to one frame.
    flow: how dense flow is measured.
    """

    motions: tuple[Motion, ...]
    window: tuple[int, int]
    count: int
    flow: FlowMethod = FlowMethod.BUILT_IN

    @classmethod
    def of(
        cls,
        motion: Motion,
        window: tuple[int, int],
        count: int,
        flow: FlowMethod = FlowMethod.BUILT_IN,
    ) -> Search:
        """Return the search for a user's choice of motion."""
        if count == 0 or not any(window):
            return cls((), (0, 0), 0)
        every = (Motion.NONE, Motion.PLANAR, Motion.FLOW)
        return cls(every if motion is Motion.AUTO else (motion,), window, count, flow)


@dataclass(frozen=True)
class Detail:
    """Source frames of one part of a frame.

    box: the part; numbers: R frame numbers; coords: (R,2,h,w) of its pixels in them; weights:
    (R,1,h,w) of their pixels.
    """

    box: Box
    numbers: tuple[int, ...]
    coords: Tensor
    weights: Tensor


@dataclass(frozen=True)
class Candidates:
    """Candidates for the part of a frame around its hole, (1,C,h,w) each.

    box: the part; context: the larger part that it depends on; frame, hole: of the part; smooth:
    (1,3,h,w) smooth fill; smooth_features: (1,4,h,w) `SMOOTH_FEATURES`; copies: consensus under
    each motion that was tried and found frames; sources: where each copied from.
    """

    box: Box
    context: Box
    frame: Tensor
    hole: Tensor
    smooth: Tensor
    smooth_features: Tensor
    copies: dict[Motion, Consensus]
    sources: dict[Motion, Detail]


SMOOTH_FEATURES = ("variance", "trial", "depth", "size")
"""Squared contrast around the hole, squared error of filling a known ring around it, distance to
the nearest known pixel over 16 pixels, log of the hole's area in pixels."""


def gather_candidates(shot: Shot, t: int, search: Search) -> Candidates | None:
    """Gather the candidates for the hole of frame t.

    Args:
        shot: holds frame t and its window.
        t: the frame; one without a hole gives None.
        search: which source frames are searched.
    """
    area = shot[t].hole
    if area is None:
        return None
    context, box = area.context, area.box.grow(_RIM_PX) & area.context
    part = (..., *box.within(context))
    near = [t + o for o in offsets_within(*search.window) if t + o in shot]
    target = Target(shot, t, context, near)
    frame, hole = target.cut(target.frame.frame), 1 - target.cut(target.frame.known)
    copies: dict[Motion, Consensus] = {}
    sources: dict[Motion, Detail] = {}
    for motion in search.motions:
        found = _copy(target, motion, search.count) if near else None
        if found is not None:
            copy = Consensus(*(value[part] for value in vars(found[0]).values()))
            copies[motion] = copy
            sources[motion] = Detail(box, tuple(found[1]), found[2][part], copy.weights)
    return Candidates(
        box=box,
        context=context,
        frame=frame[part],
        hole=hole[part],
        smooth=frame[part],
        smooth_features=_smooth_features(frame, hole)[part],
        copies=copies,
        sources=sources,
    )


def _copy(target: Target, motion: Motion, count: int) -> tuple[Consensus, list[int], Tensor] | None:
    """Copy under one kind of motion from `count` sources at most.

    Returns:
        Consensus, R frame numbers and coordinates (R,2,h,w); None where no frame shows the hole.
    """
    coarse = coarse_coords(target, motion)
    hidden = halve(pad_even(1 - target.cut(target.frame.known)))[0, 0] > 0
    coords = coarse[..., hidden][:, :, None]  # (R,2,1,P)
    shown = torch.cat(
        [
            sample_at(target.shot[s].known, coords[i : i + 1], padding="zeros")[0, 0] > KNOWN
            for i, s in enumerate(target.sources)
        ]
    )
    chosen = choose_source_frames(shown, target.offsets, count)
    if not chosen:
        return None
    numbers = [target.sources[i] for i in chosen]
    target = replace(target, sources=numbers)
    exact = [exact_coords(target, motion, rough_coords(target, motion, coarse[chosen]))]
    if motion is Motion.FLOW:
        exact += plane_coords(target, exact[0])
    found = [find_consensus(sample_copies(target, x), target.offsets) for x in exact]
    consensus, coords = select_consensus(found, exact)
    return consensus, numbers, coords


def _smooth_features(frame: Tensor, hole: Tensor) -> Tensor:
    """Return `SMOOTH_FEATURES` (1,4,h,w) of a smoothly filled frame (1,3,h,w) and its hole."""
    known = 1 - hole
    mean = masked_local_mean(frame, known)
    variance = masked_local_mean((frame - mean).square().mean(1, keepdim=True), known)
    wider = max_pool2d(hole, 2 * _RING_PX + 1, 1, _RING_PX)
    trial = smooth_fill(frame, wider)
    trial_error = (trial - frame).square().mean(1, keepdim=True)
    trial_error = masked_local_mean(trial_error, wider * known)
    depth = chessboard_depth(hole, step=_DEPTH_STEP, most=_MAX_DEPTH) / _DEPTH_UNIT
    area = torch.log(hole.sum().clamp_min(1.0)).expand_as(hole)
    return torch.cat([variance, trial_error, depth, area], 1)
