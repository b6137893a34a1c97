"""Candidates, blended: the fill to start from, how wrong it may be, and what it was made of."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..box import Box
from ..fills.averaging import local_mean
from ..fills.candidate_fill import CandidateFill
from ..fills.edges import continue_edges
from ..fills.smooth import push_pull
from .blend_weights import MOTIONS, features_of, load_blend_network
from .candidates import Candidates, CopySources, gather_candidates
from .copies import Copies
from .key_frames import Backdrop
from .plates import best_of_plates
from .shot import Shot
from .source_frames import Search

# set by hand, not swept
_MAX_SEAM = 0.06  # brightness step at a hole's border that is evened out; more is an edge
_MIN_SMOOTH_WEIGHT = 0.02  # weight of the smooth fill below which its edges would not show
_MIN_COPY_WEIGHT = 1e-3  # weight of all copies below which a pixel counts as not copied
_PLATE_ERROR = 0.01  # largest expected error of a plate: low enough that no network paints over it
_SYNTHESISED_ERROR = 0.001  # of key frames: equal in all frames, so not averaged in time
_WEIGHT_BLUR = 2  # repetitions of a 3x3 average: weights that change every pixel would be noise
SEEN = 0.5
"""Weight of all copies below which no frame counts as showing a pixel; set by hand, not swept."""

SOURCES = ("smooth", *(motion.value for motion in MOTIONS), "synthesised", "unseen")
"""What a hole is filled from: the smooth fill, copies under each motion, synthesis, which sum to 1 with
plates; and the fraction of its pixels that neither a frame nor a plate shows."""


@dataclass(frozen=True)
class BlendedFill:
    """Candidate fill of one frame, on the part around its hole.

    box: the part.
    candidate: N = 1, on the part.
    source_fractions: `SOURCES`, mean weights inside the hole.
    sources: source frames of the copies, where asked for and copied from.
    """

    box: Box
    candidate: CandidateFill
    source_fractions: tuple[float, ...]
    sources: CopySources | None = None

    def on(self, frame: Tensor, part: Box) -> CandidateFill:
        """Return the candidate fill on another part; outside `box` it equals the frame.

        Args:
            frame: (1,3,h,w) of that part.
            part: must contain the hole.
        """
        common = self.box & part
        whole = CandidateFill.of_known(frame).joined()
        whole[(..., *common.within(part))] = self.candidate.joined()[
            (..., *common.within(self.box))
        ]
        return CandidateFill.of_joined(whole)


def blend_frame(
    shot: Shot,
    t: int,
    search: Search,
    backdrop: Backdrop | None = None,
    *,
    candidates: Candidates | None = None,
    with_sources: bool = False,
) -> BlendedFill | None:
    """Gather and blend what is known about the hole of frame t.

    Args:
        shot: holds frame t and its window.
        t: the frame.
        search: which source frames are searched.
        backdrop: plates, which take precedence over the candidates, and key frames, which do not.
        candidates: of the frame, where they are gathered already.
        with_sources: return the source frames too, needed only where frames are reduced.

    Returns:
        None for a frame without a hole.
    """
    backdrop = backdrop or Backdrop()
    candidates = candidates or gather_candidates(shot, [t], search)[0]
    if candidates is None:
        return None
    hole, box = candidates.hole, candidates.box
    blend = _blend_copies(shot, t, candidates)
    plate = best_of_plates(backdrop.plates, shot, t, box)
    if plate is not None:
        plate_error = plate.error.sqrt().clamp_max(_PLATE_ERROR)
        blend = blend.covered(plate.colour, plate.shown, plate_error)
    unseen = hole * (blend.confidence < SEEN)
    layer = None
    if backdrop.key_frames is not None:
        layer = backdrop.key_frames.layer(shot, t, box, blend.fill, blend.confidence)
    if layer is not None:
        error = torch.full_like(blend.error, _SYNTHESISED_ERROR)
        blend = blend.covered(layer.colour, layer.weight, error)
    frame = candidates.frame
    candidate = CandidateFill(
        fill=torch.where(hole > 0, blend.fill, frame),
        plain=torch.where(hole > 0, blend.plain, frame),
        smooth=frame,
        copied=blend.copied,
        best=torch.where(hole > 0, blend.best, frame),
        error=blend.error * hole,
        confidence=blend.confidence * hole,
    )
    synthesised = torch.zeros_like(hole) if layer is None else layer.weight * hole
    parts = torch.cat([blend.weights * hole, synthesised, unseen], 1)
    shares = parts.sum((0, 2, 3)) / hole.sum()
    sources = None
    if with_sources:
        sources = _join(_find_sources(candidates, blend.weights[:, 1:]), layer and layer.sources)
    return BlendedFill(box, candidate, tuple(float(share) for share in shares), sources)


@dataclass(frozen=True)
class _Blend:
    """What a part of a frame is filled with so far; see `CandidateFill`.

    fill, plain, copied, best: (1,3,h,w).
    error: (1,1,h,w) to be expected of the fill.
    confidence: (1,1,h,w) weight of all but the smooth fill.
    weights: (1,4,h,w) of the smooth fill and of the copies under each motion.
    """

    fill: Tensor
    plain: Tensor
    copied: Tensor
    best: Tensor
    error: Tensor
    confidence: Tensor
    weights: Tensor

    def covered(self, colour: Tensor, weight: Tensor, error: Tensor) -> _Blend:
        """Return it under a layer: colours (1,3,h,w), their weight and error (1,1,h,w)."""
        # exact where the weight is 0 or 1
        fill, plain, copied, best = (
            torch.lerp(x, colour, weight) for x in (self.fill, self.plain, self.copied, self.best)
        )
        return _Blend(
            fill=fill,
            plain=plain,
            copied=copied,
            best=best,
            error=torch.lerp(self.error, error, weight),
            confidence=torch.maximum(self.confidence, weight),
            weights=self.weights * (1 - weight),
        )


def _blend_copies(shot: Shot, t: int, candidates: Candidates) -> _Blend:
    """Blend the smooth fill and the copies."""
    frame, hole = candidates.frame, candidates.hole
    features, colours, shown = features_of(candidates)
    weights, error = _weigh(candidates, features, shown)
    own = weights[0].flatten(1)[:, None, candidates.pixels]  # (4,1,P)
    blended = (own * colours).sum(0)
    of_copies = own[1:].sum(0)
    copied = (own[1:] * colours[1:]).sum(0) / of_copies.clamp_min(1e-6)
    smooth = colours[0]
    is_copied = of_copies > _MIN_COPY_WEIGHT
    sharp = torch.where(is_copied, _best_copy(candidates.copies, own[1:], smooth), smooth)
    parts = torch.stack([blended, torch.where(is_copied, copied, smooth), sharp])
    blend, copied, best = candidates.scatter(parts, frame.expand(3, -1, -1, -1)).chunk(3)
    near = candidates.scatter(torch.ones_like(of_copies)[None], torch.zeros_like(hole))
    plain = (blend + _membrane(frame - blend, hole, near)).clamp(0, 1)
    return _Blend(
        fill=_with_edges(shot, t, candidates, plain, weights[:, :1]),
        plain=plain,
        copied=copied,
        best=best,
        error=error,
        confidence=weights[:, 1:].sum(1, keepdim=True),
        weights=weights,
    )


def _weigh(candidates: Candidates, features: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
    """Return the candidates' weights (1,4,h,w) and the expected error (1,1,h,w) of their blend.

    Away from the hole all weight is the smooth fill's, which equals the frame there.
    """
    network = load_blend_network(features.device)
    # the network is float32, frames may be float64
    weights, log_error = network(features.float(), shown[:, 0].T.float())
    error = torch.exp(0.5 * log_error).to(features.dtype)
    values = torch.cat([weights.to(features.dtype), shown[:, 0].T, error], 1).T
    nothing = torch.zeros_like(candidates.hole).repeat(1, len(values), 1, 1)
    nothing[:, 0] = nothing[:, len(shown)] = 1  # weight and existence of the smooth fill
    values, count = candidates.scatter(values[None], nothing), len(shown)
    blurred = local_mean(torch.cat([values[:, :count], values[:, -1:]], 1), _WEIGHT_BLUR)
    weights = blurred[:, :-1] * values[:, count:-1]
    return weights / weights.sum(1, keepdim=True), blurred[:, -1:].clamp_max(1.0)


def _with_edges(
    shot: Shot, t: int, candidates: Candidates, plain: Tensor, smooth_weight: Tensor
) -> Tensor:
    """Return a fill (1,3,h,w) with edges continued into it, by the smooth fill's weight."""
    smooth_weight = smooth_weight * candidates.hole
    if float(smooth_weight.max()) < _MIN_SMOOTH_WEIGHT:
        return plain
    context = candidates.context
    part = (..., context.rows, context.columns)
    smooth = shot[t].pixels[part]
    edges = continue_edges(smooth, 1 - shot[t].known[part]) - smooth
    rows, columns = candidates.box.within(context)
    return (plain + smooth_weight * edges[..., rows, columns]).clamp(0, 1)


def _membrane(difference: Tensor, hole: Tensor, near: Tensor) -> Tensor:
    """Return (1,3,h,w) what evens out the step at a hole's border.

    A membrane (Perez et al. 2003, "Poisson image editing") by push and pull, with bounded steps,
    so that one bad pixel on the border does not smear through the hole. Differences count where
    `near` (1,1,h,w) is 1.
    """
    bounded = difference.clamp(-_MAX_SEAM, _MAX_SEAM)
    return push_pull(bounded, (1 - hole) * near) * hole


def _best_copy(copies: Copies | None, weights: Tensor, smooth: Tensor) -> Tensor:
    """Return (3,P) the sharp copy under the motion of most weight (3,1,P), else the smooth fill."""
    if copies is None:
        return smooth
    sharp = smooth.repeat(len(MOTIONS), 1, 1)
    for i, motion in enumerate(copies.motions):
        sharp[MOTIONS.index(motion)] = copies.consensus.best[i]
    return sharp.gather(0, weights.argmax(0, keepdim=True).expand(1, 3, -1))[0]


def _find_sources(candidates: Candidates, weights: Tensor) -> CopySources | None:
    """Return the source frames under the motion of most weight; None where nothing was copied.

    Copies under each motion weigh (1,3,h,w). The weights of the result sum over R to the pixel's
    total copy weight, 0 outside the hole.
    """
    copies = candidates.copies
    if copies is None:
        return None
    inside = weights * candidates.hole
    total = inside.sum((0, 2, 3))
    best = int(total.argmax())
    if float(total[best]) <= 0:
        return None
    at = copies.motions.index(MOTIONS[best])
    # squared: the mean of several copies would blur their finest detail
    sharp = copies.consensus.weights[at].square()
    sharp = (sharp / sharp.sum(0, keepdim=True).clamp_min(1e-12))[:, None]
    both = torch.cat([copies.coords[at], sharp], 1)  # (R,3,P)
    nothing = torch.zeros_like(candidates.hole).expand(len(both), 3, -1, -1)
    both = candidates.scatter(both, nothing)
    coords, sharp = both[:, :2], both[:, 2:]
    return CopySources(candidates.box, copies.numbers, coords, sharp * inside.sum(1, keepdim=True))


def _join(one: CopySources | None, other: CopySources | None) -> CopySources | None:
    """Return the sources of both, on the same box."""
    if one is None or other is None:
        return one or other
    return CopySources(
        one.box,
        one.numbers + other.numbers,
        torch.cat([one.coords, other.coords]),
        torch.cat([one.weights, other.weights]),
    )
