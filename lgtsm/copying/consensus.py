"""What several aligned frames agree on, and the features of how far to trust it.

Every copy is blended by how well its frame fits around the hole (its local error) and how near it
is in time; the heaviest group of copies that show the same colour wins, and its weighted mean is
the consensus. The mean of all copies would blend an object that walks through one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from ..align.flow import sample_at
from ..box import Box
from ..fills.averaging import halve, local_mean
from ..fills.smooth import push_pull
from .shot import Shot

_SAME = 10 / 255
"""Difference of colour (root mean square) at which two copies half agree."""
_TRUST = 0.008
"""Added to a copy's local error: no frame is trusted beyond its grain."""
_PATIENCE = 40.0
"""Frames in time after which a copy counts a third."""
_MOST_EXPOSURE = 0.12
"""Largest difference of brightness that is put right; more is another object, not exposure."""
_OTHER_THING = 0.2
"""A pixel that differs by more says nothing about exposure."""
_CELL_LEVELS = 2
"""Errors are pooled over cells of 4x4 pixels."""
_CHOICE_BLUR = 4
"""Times a 3x3 average of what is expected to be wrong is taken before one way is chosen."""


@dataclass(frozen=True)
class Copies:
    """Pixels of R other frames, brought to the coords of one frame.

    colour: (R,3,h,w), exposure matched; shown: (R,1,h,w) 1 = the other frame knows this pixel;
    error: (R,1,h,w) squared difference around here on pixels known in both, spread into the hole.
    """

    colour: Tensor
    shown: Tensor
    error: Tensor


@dataclass(frozen=True)
class Consensus:
    """One candidate for a hole, (1,C,h,w) each but for `joined`.

    colour: (1,3,h,w) weighted mean of the winning group; best: (1,3,h,w) the one copy that has
    most support, as sharp as its frame; shown: 1 where any copy is; features: (1,S,h,w) what
    `FEATURES` names; joined: (R,1,h,w) weights of the copies in the mean, not normalised.
    """

    colour: Tensor
    best: Tensor
    shown: Tensor
    features: Tensor
    joined: Tensor


FEATURES = ("error", "spread", "group_spread", "agreement", "views", "distance")
"""Squared local error of the winners, squared spread of all copies and of the winners, share of the
winners, log of the number of copies, distance in time over 20 frames."""


def _cells(values: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Average values over cells by weight; returns means and weights of the cells."""
    size = 2**_CELL_LEVELS
    extra = (0, -values.shape[-1] % size, 0, -values.shape[-2] % size)
    total, mass = pad(values * weights, extra), pad(weights, extra)
    for _ in range(_CELL_LEVELS):
        total, mass = halve(total), halve(mass)
    return total / mass.clamp_min(1e-6), mass


def spread_cells(values: Tensor, weights: Tensor) -> Tensor:
    """Average (N,C,h,w) over cells by weight (N,1,h,w) and carry it to where there is no weight."""
    mean, mass = _cells(values, weights)
    spread = push_pull(mean, mass)
    fine = interpolate(spread, scale_factor=2**_CELL_LEVELS, mode="bilinear", align_corners=False)
    return fine[..., : values.shape[-2], : values.shape[-1]]


def take_copies(shot: Shot, t: int, box: Box, others: Sequence[int], coords: Tensor) -> Copies:
    """Sample other frames, once and bicubically, and measure how well they fit around the hole.

    Args:
        shot: holds frame t and the others.
        t: the frame.
        box: part of it.
        others: R frame numbers.
        coords: (R,2,h,w) in the others, of the box's pixels.
    """
    part = (..., box.rows, box.columns)
    frame, known = shot[t].frame[part], shot[t].known[part]
    colours, shown = [], []
    for i, s in enumerate(others):
        here = coords[i : i + 1]
        colours.append(sample_at(shot[s].frame, here, mode="bicubic"))
        shown.append(sample_at(shot[s].known, here, padding="zeros"))
    colour = torch.cat(colours).clamp(0, 1)
    seen = (torch.cat(shown) > 0.99).to(colour.dtype)
    both = seen * known
    colour = match_exposure(colour, frame, both)
    error = spread_cells((frame - colour).square().mean(1, keepdim=True), both)
    return Copies(colour, seen, error)


def match_exposure(colour: Tensor, frame: Tensor, both: Tensor) -> Tensor:
    """Add to copies what they lack in brightness around here, smoothly over some 30 pixels.

    Args:
        colour: (R,3,h,w) copies.
        frame: (1,3,h,w) what they should look like.
        both: (R,1,h,w) 1 = known in both.

    Returns:
        (R,3,h,w) in [0,1].
    """
    difference = frame - colour
    # exposure is what differs everywhere around, not at single edges
    is_light = difference.abs().amax(1, keepdim=True) < _OTHER_THING
    bounded = difference.clamp(-_MOST_EXPOSURE, _MOST_EXPOSURE)
    return (colour + _smooth_exposure(spread_cells(bounded, both * is_light))).clamp(0, 1)


def _smooth_exposure(offset: Tensor) -> Tensor:
    """Keep what varies slowly over some 30 pixels."""
    size = offset.shape[-2:]
    for _ in range(3):
        offset = halve(pad(offset, (0, offset.shape[-1] % 2, 0, offset.shape[-2] % 2), "replicate"))
    offset = local_mean(offset, 6)
    fine = interpolate(offset, scale_factor=8, mode="bilinear", align_corners=False)
    return fine[..., : size[0], : size[1]]


def find_consensus(copies: Copies, offsets: Sequence[int]) -> Consensus:
    """Find what the copies agree on.

    Args:
        copies: R copies.
        offsets: R distances in time, in frames.
    """
    colour, shown = copies.colour, copies.shown
    distance = colour.new_tensor(offsets).abs()[:, None, None, None]
    root = copies.error.sqrt()
    weight = shown * torch.exp(-distance / _PATIENCE) / (root + _TRUST).square()
    support = _support(colour, weight)
    winner = torch.where(shown > 0, support, support - 1e9).max(0, keepdim=True).indices
    best = colour.gather(0, winner.expand(1, 3, *colour.shape[-2:]))
    joined = _agreement(colour, best) * weight
    total = joined.sum(0, keepdim=True).clamp_min(1e-9)
    everything = weight.sum(0, keepdim=True).clamp_min(1e-9)
    mean = (joined * colour).sum(0, keepdim=True) / total
    away = (colour - mean).square().mean(1, keepdim=True)
    views = shown.sum(0, keepdim=True)
    features = torch.cat(
        [
            (joined * copies.error).sum(0, keepdim=True) / total,
            (weight * away).sum(0, keepdim=True) / everything,
            (joined * away).sum(0, keepdim=True) / total,
            total / everything,
            torch.log1p(views),
            (joined * distance).sum(0, keepdim=True) / total / 20,
        ],
        1,
    )
    return Consensus(mean, best, (views > 0).to(colour.dtype), features, joined)


def best_of(found: Sequence[Consensus], ways: Sequence[Tensor]) -> tuple[Consensus, Tensor]:
    """Take, pixel by pixel, the consensus whose frames fit around here and agree here best.

    Args:
        found: what the same R frames agree on under several ways to follow coords.
        ways: (R,2,h,w) the coords of each.

    Returns:
        One consensus, and the coords it was made of.
    """
    wrong = [
        local_mean(
            torch.where(one.shown > 0, one.features[:, :1] + one.features[:, 1:2], 1.0).clamp_max(
                1
            ),
            _CHOICE_BLUR,
        )
        for one in found
    ]
    best = torch.cat(wrong, 1).argmin(1, keepdim=True)

    def pick(values: Sequence[Tensor]) -> Tensor:
        result = values[0]
        for i, value in enumerate(values[1:], 1):
            result = torch.where(best == i, value, result)
        return result

    rows = zip(*(vars(one).values() for one in found), strict=True)
    return Consensus(*(pick(values) for values in rows)), pick(ways)


def _agreement(one: Tensor, other: Tensor) -> Tensor:
    """Return (N,1,h,w) in [0,1], how far colours (N,3,h,w) agree."""
    return torch.exp(-(one - other).square().mean(1, keepdim=True) / (2 * _SAME * _SAME))


def _support(colour: Tensor, weight: Tensor) -> Tensor:
    """Return (R,1,h,w) the weight of the copies that agree with each copy, itself included."""
    support = weight.clone()
    for i in range(len(colour) - 1):
        agree = _agreement(colour[i : i + 1], colour[i + 1 :])
        support[i : i + 1] += (agree * weight[i + 1 :]).sum(0, keepdim=True)
        support[i + 1 :] += agree * weight[i : i + 1]
    return support
