"""A first guess for the smallest size: the hole is closed ring by ring from its border.

Every pixel takes the colour of the source whose surroundings are most like what is known around it so
far (Efros and Leung 1999, "Texture synthesis by non-parametric sampling"), all pixels of a ring at once.
Unlike a smooth fill the guess has the edges and colours of the picture, which decides what the larger
sizes make of it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..fills.averaging import size_of
from .level import Level

# squared difference a number that one picture's side of distance costs; by hand, see `descriptors`. Upwards 0.05 set
# a facade on the lawn below it, 0.15 and more let a fence hang into the ground; ten removals looked at
_UPWARDS, _SIDEWAYS = 0.1, 0.01
# sources that are compared: a small hole is closed at full size, where there are a million. A prime, so that
# evenly spread sources do not fall into a few columns
_MOST = 16_381


def peel(level: Level) -> Tensor:
    """Return the picture (1,5,h,w) with its hole closed ring by ring."""
    (height, width), (rows, columns) = size_of(level.picture), level.patch_offsets()
    side = max(height, width)
    sources = _spread(level.sources)
    offered = level.values[sources[:, None] + rows * width + columns].flatten(1)  # (M,245)
    values, ready = level.values.clone(), (level.depth == 0).to(offered.dtype)
    source_rows, source_columns = sources // width, sources % width
    for ring in range(1, int(level.depth.max()) + 1):
        pixels = (level.depth == ring).nonzero()[:, 0]
        y, x = pixels[:, None] // width + rows, pixels[:, None] % width + columns
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        around = torch.where(inside, y * width + x, 0)
        known = (
            (ready[around] * inside)[..., None].expand(-1, -1, level.values.shape[1]).flatten(1)
        )  # (N,245)
        wanted = values[around].flatten(1) * known
        cost = known @ offered.square().T - 2 * wanted @ offered.T
        cost = cost / known.sum(1, keepdim=True).clamp_min(1)
        down = (pixels[:, None] // width - source_rows).square()
        right = (pixels[:, None] % width - source_columns).square()
        far = (_UPWARDS * down + _SIDEWAYS * right) / (side * side)
        best = (cost + far).min(1).indices
        values[pixels] = level.values[sources[best]]
        ready[pixels] = 1
    return values.T.reshape(level.picture.shape)


def _spread(sources: Tensor) -> Tensor:
    """Return `_MOST` of the sources (M,) at most, evenly spread."""
    count = len(sources)
    if count <= _MOST:
        return sources
    return sources[torch.arange(_MOST, device=sources.device) * count // _MOST]
