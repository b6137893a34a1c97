"""Homographies of planes, fitted to flow by RANSAC (Fischler and Bolles 1981).

A photometric fit to a frame with two planes ends between them, while RANSAC finds the larger one
exactly. Around a hole the planes of walls and ground extrapolate motion into it, where smooth
continuation of flow would bend it.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import pad

from .projective import apply_homography, is_degenerate, solve_linear

# set by hand, not swept
_DRAWS = 200  # samples of four points for the plane of a frame
_TOLERANCE_PX = 0.4  # distance at which a vector's weight has fallen to six tenths
_SWEEPS = 5  # weighted least-squares fits that follow the best sample
_STRIDE = 8  # step in pixels between the flow vectors that are looked at
_MIN_VECTORS = 16  # fewer of them keep the start
_MIN_TRUST = 0.01  # weight from which on a vector counts as one of these
_GROUP_DRAWS = 128  # as above, for planes in several frames at once
_GROUP_TOLERANCE_PX = 0.5  # as above: the error of refined flow, in pixels of the frame
_GROUP_SWEEPS = 4
_LEAST_FRACTION = 0.04  # fraction of the surroundings that must be on a plane
_LEAST_POINTS = 24  # points that must be on a plane
_RIDGE = 1e-9  # keeps the equations of collinear points solvable; far below what moves a solution


def dominant_planes(
    points: Tensor, moved: Tensor, weights: Tensor, size: tuple[int, int], starts: Tensor
) -> Tensor:
    """Fit homographies to the largest group of flow vectors that one can explain, in N frames.

    Args:
        points: (2,h,w) normalised points of the frames.
        moved: (N,2,h,w) where flow moves them.
        weights: (N,h,w) reliability of each vector.
        size: (height, width) of the frames in pixels.
        starts: (N,3,3) one more candidate for each, from a photometric fit.

    Returns:
        (N,3,3), each what it would be alone; the start where nothing explains more.
    """
    sparse = (..., *(slice(_STRIDE // 2, None, _STRIDE),) * 2)
    points, moved = points[sparse].flatten(1), moved[sparse].flatten(2)
    trust = weights[sparse].flatten(1)
    usable = (trust > _MIN_TRUST).sum(1) >= _MIN_VECTORS
    if not bool(usable.any()):
        return starts
    # always the same draws: a link depends on its frames alone
    chosen = torch.stack(
        [_draw_fours(one, _DRAWS, torch.Generator().manual_seed(0)) for one in trust]
    )
    theirs = moved.gather(2, chosen.flatten(1)[:, None].expand(-1, 2, -1))
    theirs = rearrange(theirs, "n c (d k) -> n d c k", k=4)
    drawn = rearrange(points[:, chosen], "c n d k -> n d c k")
    matrices = solve_homographies(drawn, theirs, torch.ones_like(theirs[:, :, 0]))
    matrices = torch.cat([starts[:, None].to(matrices), matrices], 1)
    scale = max(size) / 2 / _TOLERANCE_PX
    score = (trust[:, None] * _agreement(matrices, points, moved[:, None], scale)).sum(2)
    score = score.masked_fill(is_degenerate(matrices, *size), 0.0)
    best = matrices.gather(1, score.argmax(1)[:, None, None, None].expand(-1, 1, 3, 3))[:, 0]
    for _ in range(_SWEEPS):
        weight = trust * _agreement(best, points, moved, scale)
        best = solve_homographies(points, moved, weight)
    is_fitted = usable & ~is_degenerate(best, *size)
    return torch.where(is_fitted[:, None, None], best, starts)


def common_planes(
    points: Tensor, moved: Tensor, seen: Tensor, size: tuple[int, int], count: int
) -> list[Tensor]:
    """Find the planes that most pixels around a hole are on, largest first.

    Every sample of four points is tried in all frames at once, so that they agree on each plane.

    Args:
        points: (2,P) normalised points of known pixels.
        moved: (R,2,P) where each is in R other frames.
        seen: (R,P) 1 = the other frame shows it.
        size: (height, width) of the frames in pixels.
        count: of planes, at most.

    Returns:
        For each plane (R,3,3) homographies; fewer than `count` where too few points are on one.
    """
    sightings = seen.sum(0)
    trust = (sightings > 0).to(points.dtype)
    least = max(_LEAST_POINTS, _LEAST_FRACTION * float(trust.sum()))
    draws = torch.Generator().manual_seed(0)  # always the same: a fill depends on its shot alone
    found: list[Tensor] = []

    def inliers(matrices: Tensor) -> Tensor:
        """Return (...,R,P) how well homographies (...,R,3,3) explain each point that is seen."""
        return _agreement(matrices, points, moved, max(size) / 2 / _GROUP_TOLERANCE_PX) * seen

    while len(found) < count and float(trust.sum()) > least:
        chosen = _draw_fours(trust, _GROUP_DRAWS, draws)
        ours = rearrange(points[:, chosen], "c d k -> d 1 c k")
        theirs = rearrange(moved[:, :, chosen], "r c d k -> d r c k")
        drawn = solve_homographies(ours, theirs, torch.ones_like(theirs[:, :, 0]))
        support = inliers(drawn).sum(1) / sightings.clamp_min(1)  # (D,P)
        best = drawn[int((support @ trust).argmax())]
        for sweep in range(_GROUP_SWEEPS):
            weight = inliers(best)
            # first by the frames together: one may show nothing where the sample was drawn
            each = weight if sweep else seen
            weight = each * weight.sum(0) / sightings.clamp_min(1)
            best = solve_homographies(points, moved, weight)
        support = inliers(best).sum(0) / sightings.clamp_min(1)
        if float((support * trust).sum()) < least:
            break
        found.append(best)
        trust = trust * (1 - support)
    return found


def _draw_fours(trust: Tensor, count: int, draws: torch.Generator) -> Tensor:
    """Draw samples (count,4) of indices in proportion to trust (P,)."""
    weights = trust.cpu().clamp_min(1e-6)
    chosen = torch.multinomial(weights, 4 * count, replacement=True, generator=draws)
    return chosen.view(count, 4).to(trust.device)


def _agreement(matrices: Tensor, points: Tensor, moved: Tensor, scale: float) -> Tensor:
    """Return (...,P) in [0,1] how well homographies (...,3,3) explain pairs of points (...,2,P).

    It falls to six tenths at 1 / `scale` normalised units.
    """
    residual = apply_homography(matrices, points) - moved
    return torch.exp(-residual.square().sum(-2) * scale**2 / 2)


def solve_homographies(points: Tensor, moved: Tensor, weights: Tensor) -> Tensor:
    """Solve homographies by weighted linear least squares, in double precision.

    The direct linear transform with its last entry fixed at 1 (Hartley and Zisserman 2004, 4.1).

    Args:
        points: (...,2,P), or the same (2,P) for all.
        moved: (...,2,P) where they are moved.
        weights: (...,P).

    Returns:
        (...,3,3).
    """
    like = moved
    if like.device.type != "cuda":  # other devices lack double precision
        points, moved, weights = points.cpu(), moved.cpu(), weights.cpu()
    points, moved = points.double().expand_as(moved), moved.double()
    ours = pad(points, (0, 0, 0, 1), value=1.0)
    nothing, target = torch.zeros_like(ours), moved.flatten(-2)[..., None, :]
    # the equations of u, then those of v
    rows = [torch.cat([ours, nothing], -1), torch.cat([nothing, ours], -1)]
    rows = torch.cat([*rows, -target * torch.cat([points, points], -1), target], -2)
    weighted = rows[..., :8, :] * torch.cat([weights, weights], -1).double()[..., None, :]
    product = weighted @ rows.mT  # (...,8,9)
    normal = product[..., :8] + _RIDGE * torch.eye(8, dtype=product.dtype, device=product.device)
    entries = solve_linear(normal, product[..., 8:])[..., 0].nan_to_num(0.0)
    return pad(entries, (0, 1), value=1.0).view(*entries.shape[:-1], 3, 3).to(like)
