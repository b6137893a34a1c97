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

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from einops import rearrange
from torch import Tensor

from ..fills.averaging import halve, local_mean, pad_even, size_of
from .flow import (
    finer_motion,
    gradient_products,
    image_gradient,
    newton_step,
    no_motion,
    robust_weight,
    to_pixels,
)
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
"""As above. At half size six and more gain nothing on real clips, and 0.1 dB on a rendered shot with parallax; two
lose 0.003 dB on 14 real clips under two kinds of holes, and 0.2 dB on a rendered shot with parallax."""
_MOTION_RIDGE = 2e-5  # the same per frame
_MOTION_MAX_STEP = 1.0  # longest step in pixels
_MOTION_BLUR = (1, 2)  # as of the velocity
_EXPOSURE_BLUR = 2  # the same of differences: what varies this slowly is exposure
_MIN_SUPPORT = 0.3  # weight of the other frames above which their mean is a target for a frame


@dataclass(frozen=True)
class FrameGroup:
    """Parts of B target frames, and where R other frames each show them.

    grey, known: (B,1,h,w) of the parts; others: (B,R,2,H,W) whole frames, grey and known; coords:
        (B,R,2,h,w) in their pixels. The targets do not influence each other.
    """

    grey: Tensor
    known: Tensor
    others: Tensor
    coords: Tensor

    def sample(self, motion: Tensor) -> tuple[Tensor, Tensor]:
        """Sample the others at `coords` + motion (B,R,2,h,w).

        Returns:
            Grey (B,R,1,h,w), and 1 where known.
        """
        at = (self.coords + motion).flatten(0, 1)
        shape = (*self.coords.shape[:2], 1, *size_of(self.grey))
        grey, known = sample_known(self.others.flatten(0, 1), at, _SAMPLE_KNOWN)
        return grey.view(shape), known.view(shape)

    def halved(self) -> FrameGroup:
        """Return everything at half size."""
        others, coords = (
            rearrange(
                halve(pad_even(rearrange(x, "b r c h w -> (b r) c h w"))),
                "(b r) c h w -> b r c h w",
                b=len(x),
            )
            for x in (self.others, self.coords)
        )
        return FrameGroup(
            halve(pad_even(self.grey)),
            (halve(pad_even(self.known)) > ALL_KNOWN).to(self.grey.dtype),
            others,
            coords / 2,
        )


def fit_velocity(group: FrameGroup, offsets: Tensor) -> Tensor:
    """Return coordinates (B,R,2,h,w) moved by a common velocity per pixel of each target.

    Args:
        group: R other frames of each target.
        offsets: (B,R) distances in time, in frames.
    """
    times = (offsets / offsets.abs().amax(1, keepdim=True))[..., None, None, None]
    improve = partial(_improve_velocity, times)
    velocity = _solve_by_halves(group, _VELOCITY_STEPS, len(times), improve)
    return group.coords + velocity[:, None] * times


def register_groupwise(group: FrameGroup) -> Tensor:
    """Return coordinates (B,R,2,h,w), moved in each frame by a motion of its own, a pixel or two."""
    count, others = group.coords.shape[:2]
    if others < 2:
        return group.coords
    motions = _solve_by_halves(group, _MOTION_STEPS, count * others, _improve_motions)
    return group.coords + motions.view_as(group.coords)


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
    sums = local_mean(torch.cat([(motion + step) * certainty, certainty], 1), blur[1])
    total, mass = torch.split(sums, [2, 1], 1)
    return total / mass


def _in_cells(values: Tensor) -> Tensor:
    for _ in range(2):
        values = halve(pad_even(values))
    return values


def _gradient(images: Tensor) -> Tensor:
    """Return `image_gradient` (B,R,2,h,w) of images (B,R,1,h,w)."""
    return image_gradient(images.flatten(0, 1)).view(*images.shape[:2], 2, *size_of(images))


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted mean (B,1,C,h,w) of values (B,R,C,h,w)."""
    return (weights * values).sum(1, keepdim=True) / weights.sum(1, keepdim=True).clamp_min(1e-6)


def _improve_velocity(times: Tensor, group: FrameGroup, velocity: Tensor) -> Tensor:
    """Do one Gauss-Newton step and one weighted smoothing of the velocities (B,2,h',w').

    Args:
        times: (B,R,1,1,1) of the others, relative to the target.
        group: of the level.
        velocity: of its cells.
    """
    moved = to_pixels(velocity, size_of(group.grey), _CELL)
    colour, seen = group.sample(moved[:, None] * times)
    # the target is one more frame, at time 0: the velocity does not move it
    colour = torch.cat([colour, group.grey[:, None]], 1)
    seen = torch.cat([seen, group.known[:, None]], 1)
    gradient = _gradient(colour) * torch.cat([times, torch.zeros_like(times[:, :1])], 1)
    weight = robust_weight(seen, colour - _mean(colour, seen), _ROBUST)
    both = torch.cat([colour, gradient], 2)
    both = both - _mean(both, weight)
    residual, gradient = torch.split(both, [1, 2], 2)
    parts = (x.flatten(0, 1) for x in (gradient, -residual, weight))
    sums = gradient_products(*parts).view(*both.shape[:2], 5, *size_of(both)).sum(1)
    return _stepped(velocity, sums, _VELOCITY_RIDGE, _VELOCITY_MAX_STEP, _VELOCITY_BLUR)


def _improve_motions(group: FrameGroup, motion: Tensor) -> Tensor:
    """Do one Gauss-Newton step and one weighted smoothing of the motions (B*R,2,h',w')."""
    pixels = to_pixels(motion, size_of(group.grey), _CELL)
    colour, seen = group.sample(pixels.view_as(group.coords))
    wanted, both = (x.flatten(0, 1) for x in _targets(group, colour, seen))
    colour = colour.flatten(0, 1)
    difference = wanted - colour
    exposure = halve(pad_even(torch.cat([difference * both, both], 1)))
    exposure = local_mean(exposure, _EXPOSURE_BLUR)
    total, mass = torch.split(exposure, 1, 1)
    exposure = total / mass.clamp_min(1e-3)
    difference = difference - to_pixels(exposure, size_of(difference))
    robust = robust_weight(both, difference, _ROBUST)
    gradient = image_gradient(0.5 * (torch.where(both > 0, wanted, colour) + colour))
    sums = gradient_products(gradient, difference, robust)
    return _stepped(motion, sums, _MOTION_RIDGE, _MOTION_MAX_STEP, _MOTION_BLUR)


def _targets(group: FrameGroup, colour: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Return what every other frame (B,R,1,h,w) should show, and 1 where that is known."""
    known, grey = group.known[:, None], group.grey[:, None]
    weight = robust_weight(seen, colour - _mean(colour, seen), _ROBUST)
    weighted = weight * colour
    # the mean of the others alone: a frame must not be drawn to itself
    mass = weight.sum(1, keepdim=True) - weight
    mean = (weighted.sum(1, keepdim=True) - weighted) / mass.clamp_min(1e-6)
    has_target = torch.maximum(known, (mass > _MIN_SUPPORT).to(colour.dtype))
    return torch.lerp(mean, grey, known), seen * has_target
