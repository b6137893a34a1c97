"""What a common velocity leaves: one small rest motion for every view, against all the others.

Cameras speed up and slow down, and chained links drift, so far frames do not lie in proportion to
their distance in time. Every view is moved to match the frame itself where that is known and the
robust mean of the other views inside the hole (groupwise registration), by Gauss-Newton over wide
neighbourhoods: a detail that moves by itself must not pull its surroundings along.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..fills.averaging import halve, local_mean
from .flow import even, newton_step, slopes, to_pixels
from .joint import Views, solve_by_halves

_STEPS = (6, 1)
"""Iterations at half size, then at full size. Measured on a rendered shot with parallax: the coords
of eight views come from 0.43 to 0.28 px of the true ones, their mean gains 1.4 dB."""
_RIDGE = 2e-5
_ROBUST = 0.05
_MAX_STEP = 1.0
_BLUR = (5, 8)
"""Times a 3x3 average of cells is taken: of the equations, of the motion."""
_LIGHT = 2
"""The same of brightness differences: what varies this slowly is exposure."""
_FEWEST = 0.3
"""Weight of other views from which on their mean says something."""


def register_groupwise(views: Views) -> Tensor:
    """Move the coords in each other frame by a rest motion of its own.

    Args:
        views: R of them, their coords right but for a pixel or two.

    Returns:
        (R,2,h,w) coords.
    """
    if len(views.coords) < 2:
        return views.coords
    return views.coords + solve_by_halves(views, _STEPS, len(views.coords), _improve)


def _wanted(grey: Tensor, known: Tensor, colour: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Return what every view (R,1,h,w) should show, and where that is known."""
    total = seen.sum(0, keepdim=True)
    mean = (seen * colour).sum(0, keepdim=True) / total.clamp_min(1e-6)
    weight = seen / (1 + ((colour - mean) / _ROBUST).square()).square()
    # the mean of the others: a view must not be drawn to itself
    mass = weight.sum(0, keepdim=True) - weight
    mean = ((weight * colour).sum(0, keepdim=True) - weight * colour) / mass.clamp_min(1e-6)
    has = torch.maximum(known.expand_as(mass), (mass > _FEWEST).to(grey.dtype))
    return known * grey + (1 - known) * mean, seen * has


def _improve(views: Views, rest: Tensor) -> Tensor:
    """Do one Gauss-Newton step and one weighted smoothing of the rest motions (R,2,h',w')."""
    colour, seen = views.at(views.coords + to_pixels(rest, views.grey.shape[-2:]))
    wanted, both = _wanted(views.grey, views.known, colour, seen)
    difference = wanted - colour
    light = local_mean(halve(even(torch.cat([difference * both, both], 1))), _LIGHT)
    light = light[:, :1] / light[:, 1:].clamp_min(1e-3)
    difference = difference - to_pixels(light, difference.shape[-2:])
    robust = both / (1 + (difference / _ROBUST).square()).square()
    slope = slopes(0.5 * (torch.where(both > 0, wanted, colour) + colour))
    gx, gy = slope[:, :1], slope[:, 1:]
    weighted = slope * robust
    sums = torch.cat(
        [weighted[:, :1] * gx, weighted[:, :1] * gy, weighted[:, 1:] * gy, weighted * difference], 1
    )
    step, sure = newton_step(local_mean(halve(even(sums)), _BLUR[0]), _RIDGE, _MAX_STEP)
    sure = sure + 1e-4
    return local_mean((rest + step) * sure, _BLUR[1]) / local_mean(sure, _BLUR[1])
