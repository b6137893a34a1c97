"""The plane that most of a flow agrees on, as a homography.

A photometric fit of a frame with two planes ends between them; drawing samples and counting which
map most of the flow follows (Fischler and Bolles 1981, RANSAC) finds the larger one exactly.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .projective import apply_homography, is_degenerate

_DRAWS = 200
_TOLERANCE_PX = 0.4
"""Distance at which a flow vector's say has fallen to six tenths."""
_SWEEPS = 5
_STRIDE = 8
"""Every so many pixels one vector is looked at."""


def dominant_plane(
    points: Tensor, moved: Tensor, weights: Tensor, size: tuple[int, int], start: Tensor
) -> Tensor:
    """Fit a homography to the largest group of vectors that one can explain.

    Args:
        points: (h,w,2) normalised coords in the frame.
        moved: (h,w,2) where flow takes them.
        weights: (h,w) how far to believe each.
        size: (height, width) of the frame in pixels.
        start: (3,3) one more map to try, as a photometric fit found it.

    Returns:
        (3,3); the start where nothing explains more.
    """
    sparse = (slice(_STRIDE // 2, None, _STRIDE),) * 2
    ours, theirs = points[sparse].flatten(0, 1), moved[sparse].flatten(0, 1)
    trust = weights[sparse].flatten()
    if len(trust) < 16 or float((trust > 0.01).sum()) < 16:
        return start
    # the same draws whatever was drawn before: a link depends on its two frames alone
    draws = torch.Generator().manual_seed(0)
    chosen = torch.multinomial(
        trust.cpu().clamp_min(1e-6), 4 * _DRAWS, replacement=True, generator=draws
    )
    chosen = chosen.view(_DRAWS, 4).to(ours.device)
    ones = torch.ones_like(ours[chosen][..., 0])
    matrices = solve_homographies(ours[chosen], theirs[chosen], ones)
    matrices = torch.cat([start[None].to(matrices), matrices])
    side = max(size) / 2
    score = (trust * agreement(matrices, ours, theirs, side, _TOLERANCE_PX)).sum(1)
    score = torch.where(is_degenerate(matrices, *size), torch.zeros_like(score), score)
    best = matrices[int(score.argmax())][None]
    for _ in range(_SWEEPS):
        say = trust * agreement(best, ours, theirs, side, _TOLERANCE_PX)
        best = solve_homographies(ours[None], theirs[None], say)
    return start if bool(is_degenerate(best, *size)) else best[0]


def agreement(
    matrices: Tensor, ours: Tensor, theirs: Tensor, side: float, tolerance: float
) -> Tensor:
    """Return (...,P) in [0,1]: how far each map explains each pair.

    Args:
        matrices: (...,3,3) homographies.
        ours: (...,P,2) normalised coords.
        theirs: (...,P,2) where they were found.
        side: pixels of a normalised unit.
        tolerance: distance in pixels at which the say has fallen to six tenths.
    """
    apart = apply_homography(matrices, ours) - theirs
    squared = apart.square().sum(-1) * (side / tolerance) ** 2
    return torch.exp(-squared / 2)


def solve_homographies(ours: Tensor, theirs: Tensor, weights: Tensor) -> Tensor:
    """Solve (N,3,3) from (N,P,2) pairs by weighted linear least squares, in double precision."""
    like = ours
    if like.device.type != "cuda":  # other devices know no double precision
        ours, theirs, weights = ours.cpu(), theirs.cpu(), weights.cpu()
    (x, y), (u, v) = ours.double().unbind(-1), theirs.double().unbind(-1)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    rows = torch.cat(
        [
            torch.stack([x, y, one, zero, zero, zero, -u * x, -u * y], -1),
            torch.stack([zero, zero, zero, x, y, one, -v * x, -v * y], -1),
        ],
        1,
    )
    weighted = rows * weights.double().repeat(1, 2)[..., None]
    normal = weighted.transpose(1, 2) @ rows
    right = (weighted * torch.cat([u, v], 1)[..., None]).sum(1)
    ridge = 1e-9 * torch.eye(8, dtype=normal.dtype, device=normal.device)
    numbers = torch.linalg.solve_ex(normal + ridge, right)[0].nan_to_num(0.0)
    last = torch.ones_like(numbers[:, :1])
    return torch.cat([numbers, last], 1).view(-1, 3, 3).to(like)
