"""Candidates, blended: the fill to start from, how wrong it may be, and what it was made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from ..align.flow import dense_flow
from ..align.track import FlowFunction
from ..box import Box
from ..fills.averaging import local_mean, size_of
from ..fills.candidate_fill import CandidateFill
from ..fills.edges import continue_edges
from ..fills.smooth import push_pull
from ..options import FlowMethod, Motion
from .blend_weights import MOTIONS, BlendWeights, colours_of, features_of, shipped_blend_weights
from .candidates import Candidates, Detail, Search, gather_candidates
from .plates import PlacedPlate, blend_plates
from .shot import Shot

# set by hand, not swept
_MAX_SEAM = 0.06  # brightness step at a hole's border that is evened out; more is an edge
_LEAST_GUESS = 0.02  # weight of the smooth fill below which its edges would not show
_LEAST_COPIED = 1e-3  # weight of all copies below which a pixel counts as not copied
_PLATE_ERROR = 0.01  # largest expected error of a plate: low enough that no network paints over it
_WEIGHT_BLUR = 2  # repetitions of a 3x3 average: weights that change every pixel would be noise


@dataclass(frozen=True)
class BlendedFill:
    """Candidate fill of one frame, on the part around its hole.

    box: the part; candidate: (1,C,h,w) values on it; source_fractions: mean weight inside the hole
    of the smooth fill and of the copies under each motion, in the order of `MOTIONS`, the rest to 1
    is from plates; detail: source frames of the detail that a reduced size lost.
    """

    box: Box
    candidate: CandidateFill
    source_fractions: tuple[float, ...]
    detail: Detail | None = None

    def on(self, frame: Tensor, area: Box) -> CandidateFill:
        """Return the candidate fill of another part of the frame, known beyond `box`.

        Args:
            frame: (1,3,h,w) of that part.
            area: that part; must contain the hole.
        """
        common = self.box & area
        inner, outer = common.within(self.box), common.within(area)
        values: list[Tensor] = []
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
    *,
    with_detail: bool = False,
) -> BlendedFill | None:
    """Gather and blend what is known about the hole of frame t.

    Args:
        shot: holds frame t and its window.
        t: the frame.
        search: which source frames are searched.
        plates: they take precedence over the candidates.
        with_detail: find the source frames of detail, needed only where frames are reduced.

    Returns:
        None for a frame without a hole.
    """
    candidates = gather_candidates(shot, t, search)
    if candidates is None:
        return None
    hole, (colours, available) = candidates.hole, colours_of(candidates)
    network = shipped_blend_weights(hole.device)
    weights, error = _weigh(network, features_of(candidates, colours, available), available)
    mix = (weights[:, :, None] * colours).sum(1)
    plain = (mix + _membrane(candidates.frame - mix, hole)).clamp(0, 1)
    fill = _with_edges(shot, t, candidates, plain, weights[:, :1])
    copy_weights = weights[:, 1:]
    confidence = copy_weights.sum(1, keepdim=True)
    copied = (copy_weights[:, :, None] * colours[:, 1:]).sum(1) / confidence.clamp_min(1e-6)
    copied = torch.where(confidence > _LEAST_COPIED, copied, candidates.smooth)
    best = _best_copy(candidates, copy_weights, confidence)
    plate = blend_plates(plates, shot, t, candidates.box)
    if plate is not None:
        fill, plain, copied, best = (
            torch.where(plate.shown > 0, plate.colour, x) for x in (fill, plain, copied, best)
        )
        plate_error = plate.error.sqrt().clamp_max(_PLATE_ERROR)
        error = torch.where(plate.shown > 0, plate_error, error)
        confidence = torch.maximum(confidence, plate.shown)
        weights = weights * (1 - plate.shown)

    def inside(value: Tensor) -> Tensor:
        return torch.where(hole > 0, value, candidates.frame)

    candidate = CandidateFill(
        fill=inside(fill),
        plain=inside(plain),
        smooth=inside(candidates.smooth),
        copied=copied,
        best=inside(best),
        error=error * hole,
        confidence=confidence * hole,
    )
    area = hole.sum()
    source_fractions = tuple(
        float((weights[:, i : i + 1] * hole).sum() / area) for i in range(len(MOTIONS) + 1)
    )
    detail = _find_detail(candidates, weights[:, 1:]) if with_detail else None
    return BlendedFill(candidates.box, candidate, source_fractions, detail)


def _weigh(network: BlendWeights, features: Tensor, available: Tensor) -> tuple[Tensor, Tensor]:
    """Return the candidates' weights (1,4,h,w) and the expected error (1,1,h,w) of their mix."""
    height, width = size_of(features)
    weights, log_error = network(
        rearrange(features, "1 c h w -> (h w) c").float(),
        rearrange(available, "1 c h w -> (h w) c"),
    )
    weights = rearrange(weights, "(h w) c -> 1 c h w", h=height, w=width).to(features.dtype)
    weights = local_mean(weights, _WEIGHT_BLUR) * available
    weights = weights / weights.sum(1, keepdim=True)
    error = rearrange(torch.exp(0.5 * log_error), "(h w) 1 -> 1 1 h w", h=height, w=width)
    return weights, local_mean(error.to(features.dtype), _WEIGHT_BLUR).clamp_max(1.0)


def _with_edges(
    shot: Shot, t: int, candidates: Candidates, plain: Tensor, guessed: Tensor
) -> Tensor:
    """Return a fill (1,3,h,w) with edges continued into it as far as it was guessed (1,1,h,w)."""
    guessed = guessed * candidates.hole
    if float(guessed.max()) < _LEAST_GUESS:
        return plain
    context = candidates.context
    part = (..., context.rows, context.columns)
    smooth = shot[t].frame[part]
    lines = continue_edges(smooth, 1 - shot[t].known[part], smooth) - smooth
    rows, columns = candidates.box.within(context)
    return (plain + guessed * lines[..., rows, columns]).clamp(0, 1)


def _membrane(difference: Tensor, hole: Tensor) -> Tensor:
    """Return (1,3,h,w) what evens out the step at a hole's border.

    A membrane (Perez et al. 2003, "Poisson image editing") by push and pull, with bounded steps,
    so that one bad pixel on the border does not smear through the hole.
    """
    bounded = difference.clamp(-_MAX_SEAM, _MAX_SEAM)
    return push_pull(bounded, 1 - hole) * hole


def _best_copy(candidates: Candidates, weights: Tensor, confidence: Tensor) -> Tensor:
    """Return (1,3,h,w) the sharp copy under the motion of most weight, or the smooth fill."""
    best = weights.max(1, keepdim=True).indices
    result = candidates.smooth
    for i, motion in enumerate(MOTIONS):
        copy = candidates.copies.get(motion)
        if copy is not None:
            result = torch.where((best == i) & (confidence > _LEAST_COPIED), copy.best, result)
    return result


def _find_detail(candidates: Candidates, weights: Tensor) -> Detail | None:
    """Return the source frames under the motion of most weight; None where nothing was copied.

    Their weights add up to those (1,3,h,w) of the copies under each motion, 0 outside the hole.
    """
    inside = weights * candidates.hole
    total = inside.sum((0, 2, 3))
    best = int(total.argmax())
    sources = candidates.sources.get(MOTIONS[best])
    if sources is None or float(total[best]) <= 0:
        return None
    # squared: the mean of several copies would blur their finest detail
    sharp = sources.weights.square()
    sharp = sharp / sharp.sum(0, keepdim=True).clamp_min(1e-12)
    sharp = torch.nan_to_num(sharp * inside.sum(1, keepdim=True))
    return Detail(sources.box, sources.numbers, sources.coords, sharp)


def new_shot(size: tuple[int, int], device: torch.device, search: Search) -> Shot:
    """Return an empty shot that measures the motion which a search needs.

    Raises:
        DeviceError: the library of the chosen flow is not installed.
    """
    with_flow = Motion.FLOW in search.motions
    with_camera = with_flow or Motion.PLANAR in search.motions
    measure = _flow_function(search.flow, device)
    return Shot(size, device, with_camera=with_camera, with_flow=with_flow, measure=measure)


def _flow_function(method: FlowMethod, device: torch.device) -> FlowFunction:
    if method is FlowMethod.DIS:
        from ..align.opencv_flow import dis_flow_with_holes

        return dis_flow_with_holes
    if method is FlowMethod.RAFT:
        from ..align.raft_flow import load_raft

        return load_raft(device)
    return dense_flow


def known_candidate(frame: Tensor) -> CandidateFill:
    """Return the candidate fill of a part of a frame (1,3,h,w) without a hole."""
    zero = torch.zeros_like(frame[:, :1])
    return CandidateFill(frame, frame, frame, frame, frame, zero, zero)
