"""Candidates, blended: the fill to start from, how wrong it may be, and what it was made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..align.flow import dense_flow
from ..align.track import FlowFunction
from ..box import Box
from ..fills.averaging import local_mean
from ..fills.candidate_fill import CandidateFill
from ..fills.edges import continue_edges
from ..fills.smooth import push_pull
from ..options import FlowMethod, Motion
from .blend_weights import MOTIONS, BlendWeights, colours_of, features_of, shipped_blend_weights
from .candidates import Candidates, Search, gather_candidates
from .detail import Detail, choose_detail
from .plates import PlacedPlate, show_best
from .shot import Shot

_MOST_SEAM = 0.06
"""Largest step of brightness at a hole's border that is evened out; more is an edge."""


_LEAST_GUESS = 0.02
"""Share of the smooth fill below which its edges are not worth their time."""
_PLATE_ERROR = 0.01
"""What a reference picture is expected to be wrong: little enough that no network paints over it."""


@dataclass(frozen=True)
class BlendedFill:
    """CandidateFill of one frame, on the part around its hole.

    box: the part; candidate: (1,C,h,w) values on it; source_fractions: mean weight inside the hole of the
    smooth fill and of the copies under each motion, in the order of `blend_weights.MOTIONS`; what is left to 1
    came from reference pictures; detail: which frames lend what a reduced size lost.
    """

    box: Box
    candidate: CandidateFill
    source_fractions: tuple[float, ...]
    detail: Detail | None = None

    def on(self, frame: Tensor, area: Box) -> CandidateFill:
        """Return the candidate on another part of the frame; beyond its own the frame is known.

        Args:
            frame: (1,3,h,w) of that part.
            area: where that part lies; must hold the hole.
        """
        common = self.box & area
        inner, outer = common.within(self.box), common.within(area)
        values = []
        for value in vars(self.candidate).values():
            whole = frame.clone() if value.shape[1] == 3 else torch.zeros_like(frame[:, :1])
            whole[..., outer[0], outer[1]] = value[..., inner[0], inner[1]]
            values.append(whole)
        return CandidateFill(*values)


def blend_frame(
    shot: Shot,
    t: int,
    search: Search,
    plates: Sequence[PlacedPlate] = (),
    blend_weights: BlendWeights | None = None,
    *,
    with_detail: bool = False,
) -> BlendedFill | None:
    """Gather and weigh what is known about the hole of frame t.

    Args:
        shot: holds frame t and its window.
        t: the frame.
        search: where copies may come from.
        plates: reference pictures, which go before everything else.
        blend_weights: None is the shipped one.
        with_detail: say which frames lend detail; only needed where frames are reduced.

    Returns:
        None for a frame without a hole.
    """
    if shot[t].box is None:
        return None
    candidates = gather_candidates(shot, t, search)
    weights, error = blend_candidates(
        candidates, blend_weights or shipped_blend_weights(candidates.frame.device)
    )
    colours, _ = colours_of(candidates)
    hole = candidates.hole
    mix = (weights[:, :, None] * colours).sum(1)
    plain = (mix + _seam(candidates.frame - mix, hole)).clamp(0, 1)
    mix = _with_edges(shot, t, candidates, plain, weights[:, :1])
    copied_weights = weights[:, 1:]
    copied_share = copied_weights.sum(1, keepdim=True)
    copied = (copied_weights[:, :, None] * colours[:, 1:]).sum(1) / copied_share.clamp_min(1e-6)
    copied = torch.where(copied_share > 1e-3, copied, candidates.smooth)
    best = _best_copy(candidates, copied_weights, copied_share)
    view = show_best(plates, shot, t, candidates.box)
    if view is not None:
        colour, shown, wrong = view
        mix, plain, copied, best = (
            torch.where(shown > 0, colour, x) for x in (mix, plain, copied, best)
        )
        error = torch.where(shown > 0, wrong.sqrt().clamp_max(_PLATE_ERROR), error)
        copied_share = torch.maximum(copied_share, shown)
        weights = weights * (1 - shown)

    def inside(value: Tensor) -> Tensor:
        return torch.where(hole > 0, value, candidates.frame)

    candidate = CandidateFill(
        fill=inside(mix),
        plain=inside(plain),
        smooth=inside(candidates.smooth),
        copied=copied,
        best=inside(best),
        error=error * hole,
        confidence=copied_share * hole,
    )
    area = hole.sum()  # what the weights leave came from reference pictures
    source_fractions = tuple(
        float((weights[:, i : i + 1] * hole).sum() / area) for i in range(len(MOTIONS) + 1)
    )
    detail = choose_detail(candidates, weights) if with_detail else None
    return BlendedFill(candidates.box, candidate, source_fractions, detail)


def blend_candidates(candidates: Candidates, blend_weights: BlendWeights) -> tuple[Tensor, Tensor]:
    """Return the candidates' weights (1,4,h,w) and the expected error (1,1,h,w) of their mix."""
    features, (_, there) = features_of(candidates), colours_of(candidates)
    size = features.shape[-2:]
    weights, log_error = blend_weights(features[0].flatten(1).T.float(), there[0].flatten(1).T)
    weights = weights.T.reshape(1, -1, *size).to(features.dtype)
    # a choice that changes from pixel to pixel would be noise
    weights = local_mean(weights, 2) * there
    weights = weights / weights.sum(1, keepdim=True)
    error = torch.exp(0.5 * log_error).T.reshape(1, 1, *size).to(features.dtype)
    return weights, local_mean(error, 2).clamp_max(1.0)


def _with_edges(
    shot: Shot, t: int, candidates: Candidates, plain: Tensor, guessed: Tensor
) -> Tensor:
    """Return a fill (1,3,h,w) with edges continued into it as far as it was guessed (1,1,h,w)."""
    guessed = guessed * candidates.hole
    if float(guessed.max()) < _LEAST_GUESS:
        return plain
    crop = shot[t].crop
    part = (..., crop.rows, crop.columns)
    smooth = shot[t].frame[part]
    lines = continue_edges(smooth, 1 - shot[t].known[part], smooth) - smooth
    rows, columns = candidates.box.within(crop)
    return (plain + guessed * lines[..., rows, columns]).clamp(0, 1)


def _seam(difference: Tensor, hole: Tensor) -> Tensor:
    """Return (1,3,h,w) what evens out the step at a hole's border.

    A membrane (Perez et al. 2003, "Poisson image editing") by push and pull, with bounded steps,
    so that one bad pixel on the border does not smear through the hole.
    """
    bounded = difference.clamp(-_MOST_SEAM, _MOST_SEAM)
    return push_pull(bounded, 1 - hole) * hole


def _best_copy(candidates: Candidates, weights: Tensor, share: Tensor) -> Tensor:
    """Return (1,3,h,w) the single sharp copy under the motion of most weight, or the smooth fill."""
    best = weights.max(1, keepdim=True).indices
    result = candidates.smooth
    for i, motion in enumerate(MOTIONS):
        found = candidates.copies.get(motion)
        if found is not None:
            result = torch.where((best == i) & (share > 1e-3), found.best, result)
    return result


def new_shot(size: tuple[int, int], device: torch.device, search: Search) -> Shot:
    """Return an empty shot that measures what a search needs.

    Raises:
        DeviceError: a flow was asked for that is not installed.
    """
    return Shot(
        tuple(size),
        device,
        with_camera=Motion.PLANAR in search.motions or Motion.FLOW in search.motions,
        with_flow=Motion.FLOW in search.motions,
        measure=_flow_function(search.flow, device),
    )


def _flow_function(method: FlowMethod, device: torch.device) -> FlowFunction:
    if method is FlowMethod.DIS:
        from ..align.opencv_flow import dis_flow

        return dis_flow
    if method is FlowMethod.RAFT:
        from ..align.raft_flow import load_raft

        return load_raft(device)
    return dense_flow


def known_candidate(frame: Tensor) -> CandidateFill:
    """Return the candidate of a part of a frame (1,3,h,w) that has no hole."""
    zero = torch.zeros_like(frame[:, :1])
    return CandidateFill(frame, frame, frame, frame, frame, zero, zero)
