"""Common rest motion of many frames: one velocity a pixel, solved jointly.

What chained links leave is mostly a drift in proportion to the distance in time. For every pixel
one velocity is sought under which all frames show the same colour there: frames that see the pixel
vote, whether or not the frame itself does, so it works inside a hole as well as around it.
Gauss-Newton, the unknown colour eliminated (variable projection; Golub and Pereyra 2003).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from ..fills.averaging import halve, local_mean
from .flow import even, newton_step, slopes, to_pixels
from .joint import Views, solve_by_halves

_STEPS = (4, 3)
"""Iterations at half size, then at full size."""
_RIDGE = 2e-4
_ROBUST = 0.05
_MAX_STEP = 3.0
_BLUR = (3, 5)
"""Times a 3x3 average is taken: of the equations, of the velocity."""


def refine_coords(views: Views, offsets: Sequence[int]) -> Tensor:
    """Move coords in other frames so that all frames agree.

    Args:
        views: R of them.
        offsets: R distances in time, in frames.

    Returns:
        (R,2,h,w) coords.
    """
    times = views.coords.new_tensor(offsets)[:, None, None, None]
    times = times / times.abs().max()
    velocity = solve_by_halves(views, _STEPS, 1, partial(_improve, times))
    return views.coords + velocity * times


def _improve(times: Tensor, views: Views, velocity: Tensor) -> Tensor:
    """Do one Gauss-Newton step and one weighted smoothing of the velocity (1,2,h',w')."""
    grey, known = views.grey, views.known
    colour, seen = views.at(views.coords + to_pixels(velocity, grey.shape[-2:]) * times)
    slope = slopes(colour) * times
    # the frame itself is one more view, at time 0, that does not move with the velocity
    total = seen.sum(0, keepdim=True) + known
    mean = ((seen * colour).sum(0, keepdim=True) + known * grey) / total.clamp_min(1e-6)
    weight = seen / (1 + ((colour - mean) / _ROBUST).square()).square()
    own = known / (1 + ((grey - mean) / _ROBUST).square()).square()
    total = (weight.sum(0, keepdim=True) + own).clamp_min(1e-6)
    mean = ((weight * colour).sum(0, keepdim=True) + own * grey) / total
    average = (weight * slope).sum(0, keepdim=True) / total
    rest, own_rest, slope = mean - colour, mean - grey, slope - average
    gx, gy = slope[:, :1], slope[:, 1:]
    ax, ay = average[:, :1], average[:, 1:]
    wx, wy = weight * gx, weight * gy
    sums = torch.cat(
        [
            (wx * gx).sum(0, keepdim=True) + own * ax * ax,
            (wx * gy).sum(0, keepdim=True) + own * ax * ay,
            (wy * gy).sum(0, keepdim=True) + own * ay * ay,
            (wx * rest).sum(0, keepdim=True) - own * ax * own_rest,
            (wy * rest).sum(0, keepdim=True) - own * ay * own_rest,
        ],
        1,
    )
    step, sure = newton_step(local_mean(halve(even(sums)), _BLUR[0]), _RIDGE, _MAX_STEP)
    sure = sure + 1e-4
    velocity = velocity + step
    return local_mean(velocity * sure, _BLUR[1]) / local_mean(sure, _BLUR[1])
