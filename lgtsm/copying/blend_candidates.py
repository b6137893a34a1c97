"""The candidates of several frames blended: the smooth fill and the copies, before plates and key frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..fills.averaging import local_mean
from ..fills.edges import continue_edges
from ..fills.smooth import push_pull
from .blend_weights import MOTIONS, features_of, load_blend_network
from .candidates import Candidates, crop_each
from .copies import Copies

# set by hand, not swept
_MAX_SEAM = 0.06  # brightness step at a hole's border that is evened out; more is an edge
_MIN_SMOOTH_WEIGHT = 0.02  # weight of the smooth fill below which its edges would not show
_MIN_COPY_WEIGHT = 1e-3  # weight of all copies below which a pixel counts as not copied
_WEIGHT_BLUR = 2  # repetitions of a 3x3 average: weights that change every pixel would be noise


@dataclass(frozen=True)
class Blend:
    """What parts of B frames are filled with so far; see `CandidateFill`.

    fill, plain, copied, best: (B,3,h,w).
    error: (B,1,h,w) to be expected of the fill.
    confidence: (B,1,h,w) weight of all but the smooth fill.
    weights: (B,4,h,w) of the smooth fill and of the copies under each motion.
    """

    fill: Tensor
    plain: Tensor
    copied: Tensor
    best: Tensor
    error: Tensor
    confidence: Tensor
    weights: Tensor

    def covered(self, colour: Tensor, weight: Tensor, error: Tensor) -> Blend:
        """Return it under a layer: colours (B,3,h,w), their weight and error (B,1,h,w)."""
        # exact where the weight is 0 or 1
        fill, plain, copied, best = (
            torch.lerp(x, colour, weight) for x in (self.fill, self.plain, self.copied, self.best)
        )
        return Blend(
            fill=fill,
            plain=plain,
            copied=copied,
            best=best,
            error=torch.lerp(self.error, error, weight),
            confidence=torch.maximum(self.confidence, weight),
            weights=self.weights * (1 - weight),
        )


def blend_candidates(candidates: Candidates) -> Blend:
    """Blend the smooth fill and the copies; every frame as it would be alone."""
    frame, hole = candidates.frame, candidates.hole
    features, colours, shown = features_of(candidates)
    weights, error = _weigh(candidates, features, shown)
    own = candidates.at_pixels(weights)[:, :, None]  # (B,4,1,P)
    blended = (own * colours).sum(1)
    of_copies = own[:, 1:].sum(1)
    copied = (own[:, 1:] * colours[:, 1:]).sum(1) / of_copies.clamp_min(1e-6)
    smooth = colours[:, 0]
    is_copied = of_copies > _MIN_COPY_WEIGHT
    sharp = torch.where(is_copied, _best_copy(candidates.copies, own[:, 1:], smooth), smooth)
    parts = torch.cat([blended, torch.where(is_copied, copied, smooth), sharp], 1)
    parts = candidates.scatter(parts, frame.repeat(1, 3, 1, 1))
    blend, copied, best = torch.split(parts, 3, 1)
    near = candidates.scatter(torch.ones_like(of_copies), torch.zeros_like(hole))
    plain = (blend + _membrane(frame - blend, hole, near)).clamp(0, 1)
    return Blend(
        fill=_with_edges(candidates, plain, weights[:, :1]),
        plain=plain,
        copied=copied,
        best=best,
        error=error,
        confidence=weights[:, 1:].sum(1, keepdim=True),
        weights=weights,
    )


def _weigh(candidates: Candidates, features: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
    """Return the candidates' weights (B,4,h,w) and the expected error (B,1,h,w) of their blend.

    Away from the hole all weight is the smooth fill's, which equals the frame there.
    """
    network = load_blend_network(features.device)
    # the network is float32, frames may be float64
    exists = shown[:, :, 0]  # (B,4,P)
    weights, log_error = network(features.float(), exists.mT.float())
    error = torch.exp(0.5 * log_error).to(features.dtype)
    values = torch.cat([weights.to(features.dtype), exists.mT, error], 2).mT
    nothing = torch.zeros_like(candidates.hole).repeat(1, values.shape[1], 1, 1)
    count = exists.shape[1]
    nothing[:, 0] = nothing[:, count] = 1  # weight and existence of the smooth fill
    values = candidates.scatter(values, nothing)
    weights, exists, error = torch.split(values, [count, count, 1], 1)
    blurred = local_mean(torch.cat([weights, error], 1), _WEIGHT_BLUR)
    weights, error = torch.split(blurred, [count, 1], 1)
    weights = weights * exists
    return weights / weights.sum(1, keepdim=True), error.clamp_max(1.0)


def _with_edges(candidates: Candidates, plain: Tensor, smooth_weight: Tensor) -> Tensor:
    """Return fills (B,3,h,w) with edges continued into them, by the smooth fill's weight."""
    smooth_weight = smooth_weight * candidates.hole
    most = smooth_weight.amax((1, 2, 3)).cpu().numpy()
    some = [i for i, weight in enumerate(most) if weight >= _MIN_SMOOTH_WEIGHT]
    if not some:
        return plain
    smooth, within = candidates.around[some], [candidates.within[i] for i in some]
    edges = crop_each(continue_edges(smooth, candidates.around_hole[some]) - smooth, within)
    added = torch.zeros_like(plain).index_copy_(0, torch.tensor(some, device=plain.device), edges)
    return (plain + smooth_weight * added).clamp(0, 1)


def _membrane(difference: Tensor, hole: Tensor, near: Tensor) -> Tensor:
    """Return (B,3,h,w) what evens out the step at a hole's border.

    A membrane (Perez et al. 2003, "Poisson image editing") by push and pull, with bounded steps,
    so that one bad pixel on the border does not smear through the hole. Differences count where
    `near` (B,1,h,w) is 1.
    """
    bounded = difference.clamp(-_MAX_SEAM, _MAX_SEAM)
    return push_pull(bounded, (1 - hole) * near) * hole


def _best_copy(copies: Copies | None, weights: Tensor, smooth: Tensor) -> Tensor:
    """Return (B,3,P) the sharp copy under the motion of most weight (B,3,1,P), else the smooth fill."""
    if copies is None:
        return smooth
    sharp = smooth[:, None].repeat(1, len(MOTIONS), 1, 1)
    places = torch.tensor([MOTIONS.index(m) for m in copies.motions], device=smooth.device)
    sharp.index_copy_(1, places, copies.consensus.best)
    best = weights.max(1, keepdim=True).indices.expand(-1, 1, 3, -1)
    return sharp.gather(1, best)[:, 0]
