"""Motion between two frames, large and small: a search for the best offset, then dense flow."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad, unfold

from ..align.flow import dense_flow
from ..fills.averaging import halve, local_mean, size_of
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
    (height, width), radius, far = size_of(one), _RADIUS, 1e9
    count = 2 * radius + 1
    steps = torch.arange(-radius, radius + 1, dtype=torch.float64).abs()
    penalty = (_TOWARDS_ZERO * (steps[:, None] + steps)).to(one)  # down, across
    wide = pad(other[0], (radius,) * 4, value=far)
    lowest = one.new_full((2, *size_of(wide)), far)
    best = torch.full_like(lowest, radius * count + radius, dtype=torch.long)
    seen = one.new_full((count, height, wide.shape[-1]), far)
    inner = slice(radius, radius + height), slice(radius, radius + width)
    for down in range(count):
        rows = slice(down, down + height)
        moved = wide[:, rows].unfold(2, width, 1)  # (D,h,count,w): all offsets across at once
        cost = (one[0, :, :, None] - moved).abs().sum(0).transpose(0, 1)
        cost = local_mean(cost) + penalty[down].view(-1, 1, 1)
        # the same comparisons in the places of the other frame: offset n is n pixels to the right
        seen.unfold(2, width, 1).diagonal(0, 0, 2).copy_(cost.permute(1, 2, 0))
        for side, window, costs in ((0, inner, cost), (1, (rows, slice(None)), seen)):
            value, number = costs.min(0)
            better = value < lowest[side][window]
            lowest[side][window] = torch.where(better, value, lowest[side][window])
            best[side][window] = torch.where(better, down * count + number, best[side][window])
    offsets = torch.stack([best % count, best // count], 1)[..., inner[0], inner[1]] - radius
    offsets = offsets.to(one)
    return offsets[:1], -offsets[1:]


def _median(values: Tensor) -> Tensor:
    """Return the median of 3x3 pixels of (N,2,h,w)."""
    count, channels, *size = values.shape
    wide = pad(values.reshape(-1, 1, *size), (1, 1, 1, 1), mode="replicate")
    return unfold(wide, 3).median(1).values.view(count, channels, *size)
