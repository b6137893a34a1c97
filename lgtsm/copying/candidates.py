"""All candidates for one hole: the smooth fill and the consensus under each kind of motion."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from ..align.flow import even, sample_at
from ..box import Box
from ..fills.averaging import halve
from ..fills.depth import square_depth
from ..fills.smooth import smooth_fill
from ..options import FlowMethod, Motion
from .consensus import Consensus, best_of, find_consensus, spread_cells, take_copies
from .coords import coarse_coords, exact_coords, plane_coords, rough_coords
from .shot import Shot
from .source_frames import choose_source_frames, offsets_within


@dataclass(frozen=True)
class Search:
    """Where copies may come from.

    motions: kinds of motion to try; none, planar, flow; () for no copies.
    window: how far (before, after), in frames, others may lie.
    count: how many of them may lend pixels to one frame.
    flow: who measures dense flow.
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
        """Return the search that a user's choice of motion means."""
        if count == 0 or not any(window):
            return cls((), (0, 0), 0)
        every = (Motion.NONE, Motion.PLANAR, Motion.FLOW)
        return cls(every if motion is Motion.AUTO else (motion,), window, count, flow)


RIM_PX = 8
"""Candidates are made for a hole's box and this much around it, where their seams show."""
_RING_PX = 9
"""Width of the known ring that is cut out to try the smooth fill."""


@dataclass(frozen=True)
class Lent:
    """Where a consensus took its pixels: R frames, coords (R,2,h,w) in them, weights (R,1,h,w)."""

    numbers: tuple[int, ...]
    coords: Tensor
    weights: Tensor


@dataclass(frozen=True)
class Candidates:
    """Candidates for the part of a frame around its hole, (1,C,h,w) each.

    box: the part; frame, hole: of it; smooth: (1,3,h,w) smooth fill; smooth_features: (1,4,h,w) what
    `SMOOTH_FEATURES` names; copies: consensus under each motion that was tried and found frames; lent:
    where each took its pixels.
    """

    box: Box
    frame: Tensor
    hole: Tensor
    smooth: Tensor
    smooth_features: Tensor
    copies: dict[Motion, Consensus]
    lent: dict[Motion, Lent]


SMOOTH_FEATURES = ("variance", "trial", "depth", "size")
"""Squared contrast around the hole, squared error of filling a known ring around it, distance to
the nearest known pixel over 16 pixels, log of the hole's area in pixels."""


def gather_candidates(shot: Shot, t: int, search: Search) -> Candidates:
    """Gather the candidates for the hole of frame t.

    Args:
        shot: holds frame t and its window.
        t: a frame with a hole.
        search: where copies may come from.
    """
    shot_frame = shot[t]
    crop = shot_frame.crop
    box = shot_frame.box.grow(RIM_PX) & crop
    rows, columns = box.within(crop)
    part = (..., rows, columns)
    whole = (..., crop.rows, crop.columns)
    frame, hole = shot_frame.frame[whole], 1 - shot_frame.known[whole]
    near = [t + o for o in offsets_within(*search.window) if t + o in shot]
    copies, lent = {}, {}
    for motion in search.motions:
        found = _copy(shot, t, motion, near, search.count) if near else None
        if found is not None:
            consensus, others, coords = found
            copies[motion] = _cut(consensus, part)
            lent[motion] = Lent(tuple(others), coords[part], copies[motion].joined)
    return Candidates(
        box=box,
        frame=frame[part],
        hole=hole[part],
        smooth=frame[part],
        smooth_features=_smooth_features(frame, hole)[part],
        copies=copies,
        lent=lent,
    )


def _cut(consensus: Consensus, part: tuple) -> Consensus:
    return Consensus(*(value[part] for value in vars(consensus).values()))


def _copy(
    shot: Shot, t: int, motion: Motion, near: list[int], count: int
) -> tuple[Consensus, list[int], Tensor] | None:
    """Copy under one kind of motion.

    Returns:
        The consensus, R frame numbers and coords (R,2,h,w); None where no frame shows the hole.
    """
    crop = shot[t].crop
    coarse = coarse_coords(shot, t, crop, near, motion)
    hidden = halve(even(1 - shot[t].known[..., crop.rows, crop.columns]))[0, 0] > 0
    coords = coarse[..., hidden]  # (R,2,P)
    shown = torch.stack(
        [
            sample_at(shot[s].known, coords[i : i + 1, :, None], padding="zeros")[0, 0, 0] > 0.99
            for i, s in enumerate(near)
        ]
    )
    chosen = choose_source_frames(shown, [s - t for s in near], count)
    if not chosen:
        return None
    others = [near[i] for i in chosen]
    rough = rough_coords(shot, t, crop, others, motion, coarse[chosen])
    ways = [exact_coords(shot, t, crop, others, motion, rough)]
    if motion is Motion.FLOW:
        ways += plane_coords(shot, t, crop, others, ways[0])
    offsets = [s - t for s in others]
    found = [find_consensus(take_copies(shot, t, crop, others, way), offsets) for way in ways]
    consensus, exact = best_of(found, ways)
    return consensus, others, exact


def _smooth_features(frame: Tensor, hole: Tensor) -> Tensor:
    """Return (1,4,h,w) features of how wrong the smooth fill is, from known pixels only.

    Args:
        frame: (1,3,h,w), holes filled smoothly.
        hole: (1,1,h,w).
    """
    known = 1 - hole
    mean = spread_cells(frame, known)
    variance = spread_cells((frame - mean).square().mean(1, keepdim=True), known)
    side = 2 * _RING_PX + 1
    wider = max_pool2d(hole, side, 1, _RING_PX)
    trial = smooth_fill(frame, wider)
    missed = (trial - frame).square().mean(1, keepdim=True)
    trial_error = spread_cells(missed, wider * known)
    depth = square_depth(hole, step=2, most=32)
    area = torch.log(hole.sum().clamp_min(1.0)).expand_as(hole)
    return torch.cat([variance, trial_error, depth / 16, area], 1)
