"""Motion between two frames, large and small: a search for the best offset, then dense flow."""

from __future__ import annotations

from types import EllipsisType

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad, unfold

from ..align.flow import dense_flow
from ..fills.averaging import halve, local_mean
from .features import Look

_RADIUS = 7
"""Of the search, in cells of 4x4 pixels of the working size."""
_TOWARDS_ZERO = 0.02
"""Cost of a cell of displacement, against the difference of features: flat places stay."""


def motion_between(one: Look, other: Look) -> tuple[Tensor, Tensor]:
    """Find where each frame's pixels are in the other frame.

    Args:
        one: a frame.
        other: a neighbouring frame of the same size.

    Returns:
        Displacements (1,2,h/2,w/2) from one to other and from other to one, in pixels of half the
        working size.
    """
    start = torch.cat(_best_offsets(halve(one.features), halve(other.features)))
    start = 2 * interpolate(_median(_median(start)), scale_factor=2, mode="bilinear")
    first, second = torch.cat([one.grey, other.grey]), torch.cat([other.grey, one.grey])
    known = torch.ones_like(first)
    flow, _ = dense_flow(first, known, second, known, start)
    return flow[:1], flow[1:]


def _best_offsets(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Compare (1,D,h,w) at all offsets within the radius; return the best (1,2,h,w) both ways."""
    size, radius = one.shape[-2:], _RADIUS
    far = 1e9
    wide = pad(other, (radius,) * 4, value=far)
    costs = one.new_full((2, 1, size[0] + 2 * radius, size[1] + 2 * radius), far)
    best = one.new_zeros((2, 2, *costs.shape[-2:]))
    inner = _window(size, radius, radius)
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            moved = _window(size, radius + dy, radius + dx)
            cost = (one - wide[moved]).abs().sum(1, keepdim=True)
            cost = local_mean(cost) + _TOWARDS_ZERO * (abs(dx) + abs(dy))
            # the same comparison seen from either side
            for side, window, sign in ((0, inner, 1.0), (1, moved, -1.0)):
                better = cost[0] < costs[side][window]
                costs[side][window] = torch.where(better, cost[0], costs[side][window])
                best[side, :1][window].masked_fill_(better, sign * dx)
                best[side, 1:][window].masked_fill_(better, sign * dy)
    return best[:1][inner], best[1:][inner]


def _window(size: torch.Size, top: int, left: int) -> tuple[EllipsisType, slice, slice]:
    return ..., slice(top, top + size[0]), slice(left, left + size[1])


def _median(values: Tensor) -> Tensor:
    """Return the median of 3x3 pixels of (N,2,h,w)."""
    count, channels, *size = values.shape
    wide = pad(values.reshape(-1, 1, *size), (1, 1, 1, 1), mode="replicate")
    return unfold(wide, 3).median(1).values.view(count, channels, *size)
