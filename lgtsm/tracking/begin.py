"""The mask of a frame of which only a box or some points are known."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..align.sampling import pixel_grid
from ..fills.averaging import halve, local_mean, size_of
from .boundary import settle
from .features import Look
from .memory import around, nearest, remember

_ROUNDS = 3
_DECIDED = 0.15  # difference of distances that decides, in features
_PULL = 0.04  # of position against features, a pixel of half the working size
_SURE = 0.98
_BORDER = 12  # outside a box that is background, in pixels of half the working size
_POINT_PX = 5  # radius around a point that is certain, in pixels of the working size
_SPREAD = 0.16  # of the longer side: how far from its points an object is expected


def mask_in_box(look: Look, region: Tensor) -> Tensor:
    """Find the object in a box.

    Args:
        look: the frame.
        region: (1,1,h,w), 1 inside the box, at working size.

    Returns:
        (1,1,h,w), 0 or 1.
    """
    grid = pixel_grid(*size_of(region), region)
    inside = region[0, 0] > 0.5
    low = torch.stack([grid[0, axis][inside].min() for axis in (0, 1)]).view(1, 2, 1, 1)
    high = torch.stack([grid[0, axis][inside].max() for axis in (0, 1)]).view(1, 2, 1, 1)
    apart = ((grid - (low + high) / 2) / ((high - low) / 2 + 1)).square().sum(1, keepdim=True)
    prior = 1.5 * (1 - apart)  # certain nowhere, likelier in the middle than in the corners
    prior = torch.where(region > 0.5, prior, -20.0)
    return _settled(look, prior, (apart < 0.6).float() * region, region)


def mask_at_points(look: Look, points: Tensor, not_points: Tensor) -> Tensor:
    """Find the object that points are on.

    Args:
        look: the frame.
        points: (N,2) x and y on the object, in pixels of the working size.
        not_points: (M,2) beside it.

    Returns:
        (1,1,h,w), 0 or 1.
    """
    size = size_of(look.lab)
    grid = pixel_grid(*size, look.lab)

    def distance(to: Tensor) -> Tensor:
        if not len(to):
            return grid.new_full((1, 1, *size), float(max(size)))
        return (grid - to.view(-1, 2, 1, 1)).square().sum(1, keepdim=True).amin(0)[None].sqrt()

    on, beside = distance(points), distance(not_points)
    prior = 2 - 3 * on / (_SPREAD * max(size))
    prior = torch.where(on < _POINT_PX, 20.0, prior)
    prior = torch.where((beside < _POINT_PX) & (beside < on), -20.0, prior.clamp_min(-6))
    seeds = (on < _POINT_PX) & (on <= beside)
    return _settled(look, prior, seeds.float(), (prior > -2).float())


def _settled(look: Look, prior: Tensor, mask: Tensor, region: Tensor) -> Tensor:
    """Alternate between what object and background look like and where they are."""
    generator = torch.Generator().manual_seed(0)
    grid = pixel_grid(*size_of(look.features), look.features)
    looks, places = (x.flatten(2)[0].T for x in (look.features, grid))
    outside = around(halve(region) > 0.5, _BORDER) * (halve(region) < 0.5)
    for _ in range(_ROUNDS):
        small = halve(mask)
        near = torch.maximum(outside, (halve(region) > 0.5) & (small < 0.1))
        memory = remember(look.features, small, near, generator)
        inside, beside = nearest(looks, places, memory, _PULL)
        share = ((beside - inside) / _DECIDED).sigmoid().view(1, 1, *size_of(look.features))
        evidence = torch.logit(local_mean(share).clamp(1 - _SURE, _SURE))
        logits = prior + interpolate(evidence, scale_factor=2, mode="bilinear")
        mask = (settle(logits, look.lab) > 0.5).float()
    return mask
