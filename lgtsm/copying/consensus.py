"""What several aligned source frames agree on, and features of how reliable it is.

Every copy is weighted by how well its frame fits around the hole (its local error) and how near it
is in time. The heaviest group of copies of the same colour wins, and its weighted mean is the
consensus: on 14 real clips 1 dB better than the median. The mean of all copies would blend in an
object that walks through one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..align.sampling import KNOWN
from ..fills.averaging import enlarge, halve, local_mean, pad_even, size_of, squared_difference
from ..fills.smooth import push_pull

# chosen on 14 real clips of 432x240, 40 frames each, together with the design
_SAME_COLOUR = 10 / 255  # standard deviation of colour between copies of the same thing
_GRAIN = 0.008  # added to a local error (root mean square): no frame is trusted beyond its grain
_COPY_FADE_FRAMES = 40.0  # distance in time at which a copy's weight has fallen to a third
# set by hand, not swept
_MAX_EXPOSURE = 0.12  # brightness difference that is corrected; more is another object
_OTHER_THING = 0.2  # difference above which a pixel does not count for exposure
_EXPOSURE_BLUR = 6  # repetitions of a 3x3 average of exposures, in cells of 8x8 pixels
_CELL_PX = 4  # side of the cells over which errors are averaged
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
    """What R sources agree on for P pixels, under K kinds of motion, (K,C,P) each but for `weights`.

    For B frames there is one size more, (B,K,C,P).

    colour: (K,3,P) weighted mean of the copies that agree with `best`.
    best: (K,3,P) the single copy with most support, as sharp as its frame.
    shown: (K,1,P) 1 where any source shows the pixel.
    features: (K,6,P) `COPY_FEATURES`.
    weights: (K,R,P) of the copies in the mean, not normalised.
    """

    colour: Tensor
    best: Tensor
    shown: Tensor
    features: Tensor
    weights: Tensor


COPY_FEATURES = ("error", "spread", "agreeing_spread", "agreement", "copies", "distance")
"""Squared local error of the copies in the mean, squared spread of all copies and of those, their
fraction of the weight, log of the number of copies, distance in time over 20 frames."""


def masked_cell_mean(values: Tensor, weights: Tensor, step: int = 1) -> Tensor:
    """Average (N,C,h,w) over cells of 4x4 pixels by weight (N,1,h,w), and diffuse to the others.

    Args:
        values: every `step`-th pixel of the rows and columns of an image; a power of 2.
        weights: of these pixels.
        step: in pixels.
    """
    side = _CELL_PX // step
    extra = (0, -values.shape[-1] % side, 0, -values.shape[-2] % side)
    cells = pad(torch.cat([values * weights, weights], 1), extra)
    while side > 1:
        cells, side = halve(cells), side // 2
    mass = cells[:, -1:]
    return push_pull(cells[:, :-1] / mass.clamp_min(1e-6), mass)


def masked_local_mean(values: Tensor, weights: Tensor, step: int = 1) -> Tensor:
    """Return `masked_cell_mean` at the size of the values."""
    cells = masked_cell_mean(values, weights, step)
    return enlarge(cells, _CELL_PX // step, size_of(values))


@dataclass(frozen=True)
class Match:
    """How R sources fit a frame around its hole, diffused into it.

    colour: (R,3,h,w) of the sources, exposure matched.
    exposure: (R,3,h',w') brightness to add to a source, for cells of 8x8 pixels.
    error: (R,1,h",w") squared difference that is left, for cells of 4x4 pixels.
    """

    colour: Tensor
    exposure: Tensor
    error: Tensor


EXPOSURE_PX, ERROR_PX = 2 * _CELL_PX, _CELL_PX
"""Sides of the cells of `Match`."""


def compare_with_frame(
    colour: Tensor, shown: Tensor, frame: Tensor, known: Tensor, step: int = 1
) -> Match:
    """Compare warped sources with the frame where both are known.

    Args:
        colour: (R,3,h,w) warped, every `step`-th pixel.
        shown: (R,1,h,w) 1 = the source shows this pixel.
        frame: (1,3,h,w) what they should look like; or (R,3,h,w), one for each.
        known: (1,1,h,w) or (R,1,h,w) 1 = known in the frame.
        step: in pixels, 1 or 2.
    """
    both = shown * known
    difference = frame - colour
    # exposure differs everywhere around, not at single edges
    is_exposure = difference.abs().amax(1, keepdim=True) < _OTHER_THING
    bounded = difference.clamp(-_MAX_EXPOSURE, _MAX_EXPOSURE)
    exposure = halve(pad_even(masked_cell_mean(bounded, both * is_exposure, step)))
    exposure = local_mean(exposure, _EXPOSURE_BLUR)
    matched = (colour + enlarge(exposure, EXPOSURE_PX // step, size_of(colour))).clamp_(0, 1)
    error = masked_cell_mean(squared_difference(frame, matched), both, step)
    return Match(matched, exposure, error)


def match_to_frame(colour: Tensor, coverage: Tensor, frame: Tensor, known: Tensor) -> WarpedPixels:
    """Match the exposure of warped pixels to the frame, and measure how well they fit.

    Args:
        colour: (R,3,h,w) warped.
        coverage: (R,1,h,w) interpolation weight of known pixels, 0..1.
        frame: (1,3,h,w) what they should look like.
        known: (1,1,h,w) 1 = known in the frame.
    """
    shown = (coverage > KNOWN).to(colour.dtype)
    match = compare_with_frame(colour, shown, frame, known)
    return WarpedPixels(match.colour, shown, enlarge(match.error, ERROR_PX, size_of(colour)))


def find_consensus(colour: Tensor, shown: Tensor, error: Tensor, offsets: Tensor) -> Consensus:
    """Find what copies of P pixels from R sources agree on, under K kinds of motion.

    Args:
        colour: (K,R,3,P) in [0,1], exposure matched.
        shown: (K,R,P) 1 = the source shows this pixel.
        error: (K,R,P) local squared difference to the frame.
        offsets: (K,R) distances in time, in frames.
    """
    distance = offsets.abs()[..., None]
    weight = shown * torch.exp(-distance / _COPY_FADE_FRAMES)
    weight = weight / (error.sqrt() + _GRAIN).square()
    support = _support(colour, weight)
    # argmax takes eight times as long on a CPU
    winner = torch.where(shown > 0, support, support - 1e9).max(1, keepdim=True).indices  # (K,1,P)
    best = colour.gather(1, winner[:, :, None].expand(-1, -1, 3, -1))
    agreeing = _agreement(colour, best) * weight
    agreeing_weight = agreeing.sum(1, keepdim=True).clamp_min_(1e-9)
    total_weight = weight.sum(1, keepdim=True).clamp_min_(1e-9)
    mean = (agreeing[:, :, None] * colour).sum(1) / agreeing_weight
    deviation = (colour - mean[:, None]).square_().mean(2)
    count = shown.sum(1, keepdim=True)
    by_agreeing = torch.stack([error, deviation, distance.expand_as(error) / _DISTANCE_UNIT], 1)
    by_agreeing = (by_agreeing * agreeing[:, None]).sum(2) / agreeing_weight  # (K,3,P)
    features = torch.cat(
        [
            by_agreeing[:, :1],
            (weight * deviation).sum(1, keepdim=True) / total_weight,
            by_agreeing[:, 1:2],
            agreeing_weight / total_weight,
            torch.log1p(count),
            by_agreeing[:, 2:],
        ],
        1,
    )
    return Consensus(mean, best[:, 0], (count > 0).to(colour.dtype), features, agreeing)


def expected_error(found: Consensus) -> Tensor:
    """Return (...,1,P) squared local error and spread, 1 where no source shows the pixel."""
    error = found.features[..., :2, :].sum(-2, keepdim=True)
    return torch.where(found.shown > 0, error.clamp_max(1), 1.0)


def keep_chosen(values: Tensor, first: int, choice: Tensor) -> Tensor:
    """Keep values (B,K,...,P) before `first` of K and, of the others, the one chosen for each pixel.

    Choices (B,P) count from 0; the result is (B,first + 1,...,P).
    """
    kept, others = values[:, :first], values[:, first:]
    index = choice.view(len(choice), *(1,) * (values.dim() - 2), -1)
    return torch.cat([kept, others.gather(1, index.expand(-1, 1, *values.shape[2:]))], 1)


def _agreement(one: Tensor, other: Tensor) -> Tensor:
    """Return (K,R,P) in [0,1], how far colours (K,R,3,P) agree."""
    return torch.exp((one - other).square_().sum(2) * (-1 / (6 * _SAME_COLOUR * _SAME_COLOUR)))


def _support(colour: Tensor, weight: Tensor) -> Tensor:
    """Return (K,R,P) the weight of the copies that agree with each copy, itself included."""
    support = weight.clone()
    for i in range(colour.shape[1] - 1):
        agree = _agreement(colour[:, i : i + 1], colour[:, i + 1 :])
        support[:, i] += (agree * weight[:, i + 1 :]).sum(1)
        support[:, i + 1 :].addcmul_(agree, weight[:, i : i + 1])
    return support
