"""What several aligned source frames agree on, and features of how reliable it is.

Every copy is weighted by how well its frame fits around the hole (its local error) and how near it
is in time. The heaviest group of copies of the same colour wins, and its weighted mean is the
consensus: on 14 real clips 1 dB better than the median. The mean of all copies would blend in an
object that walks through one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..align.sampling import KNOWN, sample_at
from ..fills.averaging import enlarge, halve, local_mean, pad_even, size_of, squared_difference
from ..fills.candidate_fill import map_tensors
from ..fills.smooth import push_pull
from .coords import Target

# chosen on 14 real clips of 432x240, 40 frames each, together with the design
_SAME_COLOUR = 10 / 255  # standard deviation of colour between copies of the same thing
_GRAIN = 0.008  # added to a local error (root mean square): no frame is trusted beyond its grain
_COPY_FADE_FRAMES = 40.0  # distance in time at which a copy's weight has fallen to a third
# set by hand, not swept
_MAX_EXPOSURE = 0.12  # brightness difference that is corrected; more is another object
_OTHER_THING = 0.2  # difference above which a pixel does not count for exposure
_EXPOSURE_LEVELS, _EXPOSURE_BLUR = 3, 6  # averaged over 8x8 pixels, then six 3x3 means
_CELL_LEVELS = 2  # errors are averaged over cells of 4x4 pixels
_CHOICE_BLUR = 4  # repetitions of a 3x3 average of expected errors before coordinates are chosen
_DISTANCE_UNIT = 20  # frames per unit of the feature `distance`


@dataclass(frozen=True)
class WarpedPixels:
    """Pixels of R source frames or plates, warped to a part of a frame.

    colour: (R,3,h,w) in [0,1], exposure matched.
    shown: (R,1,h,w) 1 = the source shows this pixel.
    error: (R,1,h,w) local squared difference on pixels known in both, diffused into the hole.
    """

    colour: Tensor
    shown: Tensor
    error: Tensor


@dataclass(frozen=True)
class Consensus:
    """One candidate for a hole, (1,C,h,w) each but for `weights`.

    colour: (1,3,h,w) weighted mean of the copies that agree with `best`.
    best: (1,3,h,w) the single copy with most support, as sharp as its frame.
    shown: (1,1,h,w) 1 where any source shows the pixel.
    features: (1,6,h,w) `COPY_FEATURES`.
    weights: (R,1,h,w) of the copies in the mean, not normalised.
    """

    colour: Tensor
    best: Tensor
    shown: Tensor
    features: Tensor
    weights: Tensor


COPY_FEATURES = ("error", "spread", "agreeing_spread", "agreement", "copies", "distance")
"""Squared local error of the copies in the mean, squared spread of all copies and of those, their
fraction of the weight, log of the number of copies, distance in time over 20 frames."""


def masked_local_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Average (N,C,h,w) over cells by weight (N,1,h,w), and diffuse it to where there is none."""
    size = 2**_CELL_LEVELS
    extra = (0, -values.shape[-1] % size, 0, -values.shape[-2] % size)
    total, mass = pad(values * weights, extra), pad(weights, extra)
    for _ in range(_CELL_LEVELS):
        total, mass = halve(total), halve(mass)
    return enlarge(push_pull(total / mass.clamp_min(1e-6), mass), size, size_of(values))


def warp_sources(target: Target, coords: Tensor) -> WarpedPixels:
    """Sample R sources at coords (R,2,h,w), once and bicubically."""
    pairs = [(target.shot[s], coords[i : i + 1]) for i, s in enumerate(target.sources)]
    colour = torch.cat([sample_at(s.pixels, at, mode="bicubic") for s, at in pairs])
    coverage = torch.cat([sample_at(s.known, at, padding="zeros") for s, at in pairs])
    frame, known = target.crop(target.frame.pixels), target.crop(target.frame.known)
    return match_to_frame(colour, coverage, frame, known)


def match_to_frame(colour: Tensor, coverage: Tensor, frame: Tensor, known: Tensor) -> WarpedPixels:
    """Match the exposure of warped pixels to the frame, and measure how well they fit.

    Args:
        colour: (R,3,h,w) warped.
        coverage: (R,1,h,w) interpolation weight of known pixels, 0..1.
        frame: (1,3,h,w) what they should look like.
        known: (1,1,h,w) 1 = known in the frame.
    """
    shown = (coverage > KNOWN).to(colour.dtype)
    both = shown * known
    colour = _match_exposure(colour.clamp(0, 1), frame, both)
    error = masked_local_mean(squared_difference(frame, colour), both)
    return WarpedPixels(colour, shown, error)


def _match_exposure(colour: Tensor, frame: Tensor, both: Tensor) -> Tensor:
    """Correct the local brightness of (R,3,h,w), smoothly over some 30 pixels."""
    difference = frame - colour
    # exposure differs everywhere around, not at single edges
    is_exposure = difference.abs().amax(1, keepdim=True) < _OTHER_THING
    bounded = difference.clamp(-_MAX_EXPOSURE, _MAX_EXPOSURE)
    offset = masked_local_mean(bounded, both * is_exposure)
    for _ in range(_EXPOSURE_LEVELS):
        offset = halve(pad_even(offset))
    offset = enlarge(local_mean(offset, _EXPOSURE_BLUR), 2**_EXPOSURE_LEVELS, size_of(colour))
    return (colour + offset).clamp(0, 1)


def find_consensus(copies: WarpedPixels, offsets: Sequence[int]) -> Consensus:
    """Find what R copies agree on, at R distances in time, in frames."""
    colour, shown = copies.colour, copies.shown
    distance = colour.new_tensor(offsets).abs()[:, None, None, None]
    weight = shown * torch.exp(-distance / _COPY_FADE_FRAMES)
    weight = weight / (copies.error.sqrt() + _GRAIN).square()
    support = _support(colour, weight)
    winner = torch.where(shown > 0, support, support - 1e9).max(0, keepdim=True).indices
    best = colour.gather(0, winner.expand(1, 3, *size_of(colour)))
    agreeing = _agreement(colour, best) * weight
    agreeing_weight = agreeing.sum(0, keepdim=True).clamp_min(1e-9)
    total_weight = weight.sum(0, keepdim=True).clamp_min(1e-9)
    mean = (agreeing * colour).sum(0, keepdim=True) / agreeing_weight
    deviation = squared_difference(colour, mean)
    count = shown.sum(0, keepdim=True)
    features = torch.cat(
        [
            (agreeing * copies.error).sum(0, keepdim=True) / agreeing_weight,
            (weight * deviation).sum(0, keepdim=True) / total_weight,
            (agreeing * deviation).sum(0, keepdim=True) / agreeing_weight,
            agreeing_weight / total_weight,
            torch.log1p(count),
            (agreeing * distance).sum(0, keepdim=True) / agreeing_weight / _DISTANCE_UNIT,
        ],
        1,
    )
    return Consensus(mean, best, (count > 0).to(colour.dtype), features, agreeing)


def select_consensus(
    found: Sequence[Consensus], coords: Sequence[Tensor]
) -> tuple[Consensus, Tensor]:
    """Select, pixel by pixel, the consensus with the least local error and spread.

    Each is of the same R sources, at coordinates (R,2,h,w) of its own; these are selected too.
    """
    errors = [
        torch.where(one.shown > 0, one.features[:, :1] + one.features[:, 1:2], 1.0) for one in found
    ]
    expected = [local_mean(error.clamp_max(1), _CHOICE_BLUR) for error in errors]
    best = torch.cat(expected, 1).argmin(1, keepdim=True)

    def pick(*values: Tensor) -> Tensor:
        result = values[0]
        for i, value in enumerate(values[1:], 1):
            result = torch.where(best == i, value, result)
        return result

    return map_tensors(pick, *found), pick(*coords)


def _agreement(one: Tensor, other: Tensor) -> Tensor:
    """Return (N,1,h,w) in [0,1], how far colours (N,3,h,w) agree."""
    return torch.exp(-squared_difference(one, other) / (2 * _SAME_COLOUR * _SAME_COLOUR))


def _support(colour: Tensor, weight: Tensor) -> Tensor:
    """Return (R,1,h,w) the weight of the copies that agree with each copy, itself included."""
    support = weight.clone()
    for i in range(len(colour) - 1):
        agree = _agreement(colour[i : i + 1], colour[i + 1 :])
        support[i : i + 1] += (agree * weight[i + 1 :]).sum(0, keepdim=True)
        support[i + 1 :] += agree * weight[i : i + 1]
    return support
