"""New colours for the hole: every pixel is voted on by the patches that cover it.

Wexler, Shechtman and Irani 2007, "Space-time completion of video", section 3: a weighted mean of what
the matches of all covering patches show there. Weights fall with the cost of a match, with depth in
the hole, and with distance from the patch's centre; a small tolerance leaves nearly the best patch
alone, so that the result stays as sharp as its sources (Newson et al. 2014, "Video inpainting of
complex scenes", section 3.5).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..fills.averaging import size_of
from .level import Level
from .search import Matches

# set by hand on six removals of 432x240, not swept
_DEPTH_FADE = 1.2  # factor by which a patch's weight falls for every ring that it lies deeper
_CENTRE_PX = 2.0  # standard deviation of the weight around a patch's centre, in pixels
_USUAL = 0.75  # quantile of the costs that is taken for the cost of a fair match
_TOLERANCE = 0.02  # how much more than the best covering patch one may cost, in such costs
_LEAST_COST = 1e-4  # the same at least: in flat pictures all matches are perfect


def vote(level: Level, matches: Matches, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Vote on some pixels.

    Args:
        level: the picture whose sources the matches name.
        matches: of all needed patches.
        pixels: (P,) numbers of pixels that needed patches cover.

    Returns:
        Values (P,5), and the number (P,) of the pixel that each was mainly taken from; where no match
        covers a pixel its values stay and the number is -1.
    """
    height, width = size_of(level.picture)
    rows, columns = level.patch_offsets()
    y, x = pixels[:, None] // width - rows, pixels[:, None] % width - columns
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    centres = torch.where(inside, y * width + x, 0)
    costs = matches.on(level, matches.costs, torch.inf)
    sources = matches.on(level, matches.sources, -1)[centres]
    cost = costs[centres].masked_fill(~inside | (sources < 0), torch.inf)
    finite = matches.costs[matches.costs.isfinite()]
    usual = finite.quantile(_USUAL) if len(finite) else finite.new_ones(())
    usual = usual.clamp_min(_LEAST_COST) * _TOLERANCE
    excess = cost - cost.min(1, keepdim=True).values
    weight = torch.exp(-excess / (2 * usual)).masked_fill(~cost.isfinite(), 0)
    centre = torch.exp(-(rows.square() + columns.square()) / (2 * _CENTRE_PX**2))
    weight = weight * centre * _DEPTH_FADE ** -level.depth[centres]
    numbers = torch.where(cost.isfinite(), sources + rows * width + columns, 0)
    total, main = weight.sum(1, keepdim=True), weight.max(1, keepdim=True).indices
    mean = (weight[..., None] * level.values[numbers]).sum(1) / total.clamp_min(1e-20)
    voted = total > 0
    values = torch.where(voted, mean, level.values[pixels])
    return values, torch.where(voted, numbers.gather(1, main), -1)[:, 0]
