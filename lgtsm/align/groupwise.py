"""Groupwise registration: coordinates in several frames refined until the frames agree.

Chained links drift. Most of the drift grows in proportion to the distance in time: `fit_velocity`
finds one velocity per pixel under which all frames show the same colour there. Frames that see the
pixel count, whether or not the target frame does, so it works inside a hole as well as around it;
the unknown colour is eliminated (variable projection; Golub and Pereyra 2003). Cameras also
accelerate: `register_groupwise` then moves every frame by a small motion of its own, to match the
target frame where it is known and the robust mean of the other frames inside the hole.

Both take Gauss-Newton steps over wide neighbourhoods, at half size and then at full size, so that a
detail that moves by itself does not pull its surroundings along.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ..fills.averaging import halve, local_mean, pad_even, size_of
from .flow import finer_motion, image_gradient, newton_step, no_motion, robust_weight, to_pixels
from .pyramid import ALL_KNOWN
from .sampling import sample_known

# set by hand, not swept, unless stated
_CELL = 4  # side of the cells for which motion is solved, in pixels
_SAMPLE_KNOWN = 0.95  # lower than `KNOWN`: these samples decide on motion, none is copied
_ROBUST = 0.05  # brightness difference at which a frame's weight has fallen to a quarter
_MIN_CERTAINTY = 1e-4  # weight of a cell without texture, against 1 for a certain one
_VELOCITY_STEPS = (3, 1)  # iterations at half size and at full size
_VELOCITY_RIDGE = 2e-4  # keeps pixels without texture in place; squared brightness, over all frames
_VELOCITY_MAX_STEP = 3.0  # longest step in pixels, in the frame farthest in time
_VELOCITY_BLUR = (1, 1)  # repetitions of a 3x3 average of cells: of the equations, of the velocity
_MOTION_STEPS = (4, 1)
"""As above. Six and more at half size gain nothing on real clips, and 0.1 dB on a rendered shot with
parallax."""
_MOTION_RIDGE = 2e-5  # the same per frame
_MOTION_MAX_STEP = 1.0  # longest step in pixels
_MOTION_BLUR = (1, 2)  # as of the velocity
_EXPOSURE_BLUR = 2  # the same of differences: what varies this slowly is exposure
_MIN_SUPPORT = 0.3  # weight of the other frames above which their mean is a target for a frame


@dataclass(frozen=True)
class FrameGroup:
    """Part of a target frame, and where other frames show it.

    grey: (1,1,h,w) of the part; known: (1,1,h,w) of it; others: (R,2,H,W) whole frames, grey and
    known, in one batch because that is sampled in parallel; coords: (R,2,h,w) in their pixels.
    """

    grey: Tensor
    known: Tensor
    others: Tensor
    coords: Tensor

    def sample(self, motion: Tensor) -> tuple[Tensor, Tensor]:
        """Return grey (R,1,h,w) of the others at `coords` + motion (R,2,h,w), and 1 where known."""
        return sample_known(self.others, self.coords + motion, _SAMPLE_KNOWN)

    def halved(self) -> FrameGroup:
        """Return everything at half size."""
        return FrameGroup(
            halve(pad_even(self.grey)),
            (halve(pad_even(self.known)) > ALL_KNOWN).to(self.grey.dtype),
            halve(pad_even(self.others)),
            halve(pad_even(self.coords)) / 2,
        )


def fit_velocity(group: FrameGroup, offsets: Sequence[int]) -> Tensor:
    """Return coordinates (R,2,h,w) moved by a common velocity per pixel.

    Args:
        group: R other frames.
        offsets: R distances in time, in frames.
    """
    times = group.coords.new_tensor(offsets)[:, None, None, None]
    times = times / times.abs().max()
    velocity = _solve_by_halves(group, _VELOCITY_STEPS, 1, partial(_improve_velocity, times))
    return group.coords + velocity * times


def register_groupwise(group: FrameGroup) -> Tensor:
    """Return coordinates (R,2,h,w), moved in each frame by a motion of its own, a pixel or two."""
    if len(group.coords) < 2:
        return group.coords
    return group.coords + _solve_by_halves(
        group, _MOTION_STEPS, len(group.coords), _improve_motions
    )


def _solve_by_halves(
    group: FrameGroup,
    steps: tuple[int, int],
    count: int,
    improve: Callable[[FrameGroup, Tensor], Tensor],
) -> Tensor:
    """Return `count` motions (N,2,h,w) of pixels, improved at half size, then at full size.

    `improve` does one of the steps on motions (N,2,h',w') of cells, in pixels of its group.
    """
    motion = no_motion(group.grey, count)
    for level, number in zip((group.halved(), group), steps, strict=True):
        motion = finer_motion(motion, size_of(level.grey), _CELL)
        for _ in range(number):
            motion = improve(level, motion)
    return to_pixels(motion, size_of(group.grey), _CELL)


def _stepped(
    motion: Tensor, sums: Tensor, ridge: float, max_step: float, blur: tuple[int, int]
) -> Tensor:
    """Add the step that the equations (N,5,h,w) of the pixels ask for, and smooth by certainty."""
    step, certainty = newton_step(local_mean(_in_cells(sums), blur[0]), ridge, max_step)
    certainty = certainty + _MIN_CERTAINTY
    return local_mean((motion + step) * certainty, blur[1]) / local_mean(certainty, blur[1])


def _in_cells(values: Tensor) -> Tensor:
    for _ in range(2):
        values = halve(pad_even(values))
    return values


def _improve_velocity(times: Tensor, group: FrameGroup, velocity: Tensor) -> Tensor:
    """Do one Gauss-Newton step and one weighted smoothing of the velocity (1,2,h',w')."""
    grey, known = group.grey, group.known
    colour, seen = group.sample(to_pixels(velocity, size_of(grey), _CELL) * times)
    gradient = image_gradient(colour) * times
    # the target frame is one more frame, at time 0: the velocity does not move it
    total = seen.sum(0, keepdim=True) + known
    mean = ((seen * colour).sum(0, keepdim=True) + known * grey) / total.clamp_min(1e-6)
    weight = robust_weight(seen, colour - mean, _ROBUST)
    target_weight = robust_weight(known, grey - mean, _ROBUST)
    total = (weight.sum(0, keepdim=True) + target_weight).clamp_min(1e-6)
    mean = ((weight * colour).sum(0, keepdim=True) + target_weight * grey) / total
    average = (weight * gradient).sum(0, keepdim=True) / total
    residual, target_residual, gradient = mean - colour, mean - grey, gradient - average
    gx, gy = gradient[:, :1], gradient[:, 1:]
    ax, ay = average[:, :1], average[:, 1:]
    wx, wy = weight * gx, weight * gy
    sums = torch.cat(
        [
            (wx * gx).sum(0, keepdim=True) + target_weight * ax * ax,
            (wx * gy).sum(0, keepdim=True) + target_weight * ax * ay,
            (wy * gy).sum(0, keepdim=True) + target_weight * ay * ay,
            (wx * residual).sum(0, keepdim=True) - target_weight * ax * target_residual,
            (wy * residual).sum(0, keepdim=True) - target_weight * ay * target_residual,
        ],
        1,
    )
    return _stepped(velocity, sums, _VELOCITY_RIDGE, _VELOCITY_MAX_STEP, _VELOCITY_BLUR)


def _improve_motions(group: FrameGroup, motion: Tensor) -> Tensor:
    """Do one Gauss-Newton step and one weighted smoothing of the motions (R,2,h',w')."""
    colour, seen = group.sample(to_pixels(motion, size_of(group.grey), _CELL))
    wanted, both = _targets(group, colour, seen)
    difference = wanted - colour
    exposure = halve(pad_even(torch.cat([difference * both, both], 1)))
    exposure = local_mean(exposure, _EXPOSURE_BLUR)
    exposure = exposure[:, :1] / exposure[:, 1:].clamp_min(1e-3)
    difference = difference - to_pixels(exposure, size_of(difference))
    robust = robust_weight(both, difference, _ROBUST)
    gradient = image_gradient(0.5 * (torch.where(both > 0, wanted, colour) + colour))
    gx, gy = gradient[:, :1], gradient[:, 1:]
    weighted = gradient * robust
    sums = torch.cat(
        [weighted[:, :1] * gx, weighted[:, :1] * gy, weighted[:, 1:] * gy, weighted * difference], 1
    )
    return _stepped(motion, sums, _MOTION_RIDGE, _MOTION_MAX_STEP, _MOTION_BLUR)


def _targets(group: FrameGroup, colour: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Return what every other frame (R,1,h,w) should show, and 1 where that is known."""
    known = group.known
    total = seen.sum(0, keepdim=True)
    mean = (seen * colour).sum(0, keepdim=True) / total.clamp_min(1e-6)
    weight = robust_weight(seen, colour - mean, _ROBUST)
    # the mean of the others alone: a frame must not be drawn to itself
    mass = weight.sum(0, keepdim=True) - weight
    mean = ((weight * colour).sum(0, keepdim=True) - weight * colour) / mass.clamp_min(1e-6)
    has_target = torch.maximum(known.expand_as(mass), (mass > _MIN_SUPPORT).to(colour.dtype))
    return known * group.grey + (1 - known) * mean, seen * has_target
