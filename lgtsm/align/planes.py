"""Planes around a hole: walls, ground and whatever else is flat, seen alike by several frames.

Motion that is continued smoothly into a hole bends where its surroundings lie at several depths; a
wall goes on straight. Every draw of four pixels is tried in all frames at once and counted over
them (Fischler and Bolles 1981, RANSAC), so that all frames speak of the same wall.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .plane import agreement, solve_homographies

_DRAWS = 128
_TOLERANCE_PX = 0.5
"""Distance at which a place's say has fallen to six tenths: what refined flow is wrong by."""
_SWEEPS = 4
_LEAST_SHARE = 0.04
"""Share of the surroundings that must lie on a plane."""
_LEAST_POINTS = 24


def common_planes(
    points: Tensor, moved: Tensor, seen: Tensor, size: tuple[int, int], count: int
) -> list[Tensor]:
    """Find the planes that most pixels around a hole lie on, largest first.

    Args:
        points: (P,2) normalised coords of known pixels.
        moved: (R,P,2) where each lies in R other frames.
        seen: (R,P) 1 = the other frame shows it.
        size: (height, width) of the frames in pixels.
        count: of planes, at most.

    Returns:
        For each plane (R,3,3) homographies to the other frames; fewer than `count` where too
        little lies on one.
    """
    views, frames = seen.sum(0), len(seen)
    trust = (views > 0).to(points.dtype)
    least = max(_LEAST_POINTS, _LEAST_SHARE * float(trust.sum()))
    # the same draws whatever was drawn before: a frame's fill depends on its shot alone
    draws = torch.Generator().manual_seed(0)
    found: list[Tensor] = []

    def say(matrices: Tensor) -> Tensor:
        """Return (...,R,P) how far maps (...,R,3,3) explain each place that is seen."""
        return agreement(matrices, points, moved, max(size) / 2, _TOLERANCE_PX) * seen

    while len(found) < count and float(trust.sum()) > least:
        chosen = torch.multinomial(
            trust.cpu().clamp_min(1e-6), 4 * _DRAWS, replacement=True, generator=draws
        )
        chosen = chosen.view(_DRAWS, 4).to(points.device)
        ours = points[chosen].repeat_interleave(frames, 0)
        theirs = moved[:, chosen].transpose(0, 1).flatten(0, 1)
        drawn = solve_homographies(ours, theirs, torch.ones_like(ours[..., 0]))
        drawn = drawn.view(_DRAWS, frames, 3, 3)
        alike = say(drawn).sum(1) / views.clamp_min(1)  # (D,P)
        best = drawn[int((alike @ trust).argmax())]
        for sweep in range(_SWEEPS):
            one = say(best)
            # at first the frames' common view: one may have been drawn where it shows nothing
            own = one if sweep else seen
            weights = own * one.sum(0) / views.clamp_min(1)
            best = solve_homographies(points.expand(frames, -1, -1), moved, weights)
        alike = say(best).sum(0) / views.clamp_min(1)
        if float((alike * trust).sum()) < least:
            break
        found.append(best)
        trust = trust * (1 - alike)
    return found
