"""Evidence fill: co-located copies from other frames, weighted by their predicted error.

For each other frame, its squared difference to this one on pixels known in both predicts how wrong
a copy into the hole would be; the local contrast around the hole predicts how wrong the smooth fill
is. The fill is the mean of all of them weighted by 1 / (predicted squared error)^2. No motion and no
training: the floor that every network here starts from and is compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from .smooth import push_pull, smooth_fill

CELL = 4
"""Errors are pooled over cells of 4x4 pixels: finer is noise, coarser misses edges."""
FLOOR = 2e-4
"""Squared error below which no copy is believed to be (about 3.6 levels of 255)."""


@dataclass(frozen=True)
class Evidence:
    """What is known about a frame's holes before any network has looked.

    fill: (N,3,h,w) evidence fill; equals the frame where it is known.
    smooth, nearest, best: (N,3,h,w) candidates: smooth fill, nearest known copy in time, copy of
        least predicted error; each equals the fill's neighbours' pixels where the frame is known.
    error: (N,1,h,w) expected root-mean-square error of the fill, 0 where known.
    confidence: (N,1,h,w) share of copies in the fill, 0..1, 0 where known.
    """

    fill: Tensor
    smooth: Tensor
    nearest: Tensor
    best: Tensor
    error: Tensor
    confidence: Tensor

    def stack(self, holes: Tensor) -> Tensor:
        """Return the (N,15,h,w) input of a refining network; layout as `spec.REFINE_INPUTS` says."""
        differences = [c - self.fill for c in (self.smooth, self.nearest, self.best)]
        return torch.cat(
            [self.fill, *differences, holes, 4 * self.error, self.confidence], -3
        )

    def crop(self, top: int, left: int, height: int, width: int) -> Evidence:
        """Return the same evidence for a part of the frame."""
        parts = (
            value[..., top : top + height, left : left + width] for value in vars(self).values()
        )
        return Evidence(*parts)


CONTRAST_SHARE = 0.5
"""Squared error of a smooth fill as a share of the local variance. A fill by the local mean would
have all of it; measured on clips with moving blobs, 0.5 gives the best mean and 0.3 or 1 less."""


def _pool(values: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Average values over cells; returns means (N,C,h',w') and known shares (N,1,h',w')."""
    extra = (0, -values.shape[-1] % CELL, 0, -values.shape[-2] % CELL)
    mass = avg_pool2d(pad(known, extra), CELL)
    mean = avg_pool2d(pad(values * known, extra), CELL) / mass.clamp_min(1e-6)
    return mean, mass


def _enlarge(cells: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring cell values (N,C,h',w') back to pixels (N,C,h,w)."""
    whole = (cells.shape[-2] * CELL, cells.shape[-1] * CELL)
    fine = interpolate(cells, size=whole, mode="bilinear", align_corners=False)
    return fine[..., : size[0], : size[1]]


def _smooth_error(frame: Tensor, hole: Tensor) -> Tensor:
    """Predict the squared error of the smooth fill from the contrast around the hole.

    Args:
        frame: (1,3,h,w), hole (1,1,h,w).

    Returns:
        (1,1,h,w) expected squared error.
    """
    known = 1 - hole
    mean, mass = _pool(frame, known)
    square, _ = _pool(frame * frame, known)
    # contrast within about 9 cells of 4 px: the distance over which a smooth fill has to guess
    window, half = 9, 4
    total = avg_pool2d(mass, window, 1, half, count_include_pad=False).clamp_min(1e-6)
    local = avg_pool2d(mean * mass, window, 1, half, count_include_pad=False) / total
    power = avg_pool2d(square * mass, window, 1, half, count_include_pad=False) / total
    variance = (power - local * local).clamp_min(0).mean(1, keepdim=True)
    trusted = (total > 0.05).to(frame.dtype) * total.clamp_max(1.0)
    return CONTRAST_SHARE * _enlarge(push_pull(variance, trusted), frame.shape[-2:])


def gather_evidence(
    frame: Tensor, hole: Tensor, references: Tensor, holes: Tensor, offsets: Sequence[int]
) -> Evidence:
    """Weigh the smooth fill and the copies from other frames for one frame.

    Args:
        frame: (1,3,h,w) in [0,1]; values under the hole are ignored.
        hole: (1,1,h,w) 0 or 1, 1 = hole.
        references: (R,3,h,w) co-located other frames, R >= 0.
        holes: (R,1,h,w) their holes.
        offsets: R distances in time, in frames, never 0.

    Returns:
        Evidence of one frame (N = 1).
    """
    size = frame.shape[-2:]
    smooth = smooth_fill(frame, hole)
    smooth_error = _smooth_error(frame, hole)
    order = sorted(range(len(offsets)), key=lambda i: (abs(offsets[i]), -offsets[i]))
    if not order:
        zero = torch.zeros_like(hole)
        error = torch.sqrt(smooth_error) * hole
        return Evidence(smooth, smooth, smooth, smooth, error, zero)
    references, holes = references[order], holes[order]  # nearest in time first
    known = 1 - holes
    both = known * (1 - hole)
    difference = (references - frame).square().mean(1, keepdim=True)  # (R,1,h,w)
    pooled, mass = _pool(difference, both)
    copy_error = _enlarge(push_pull(pooled, mass), size)  # (R,1,h,w)
    weights = known / (copy_error + FLOOR).square()
    smooth_weight = 1 / (smooth_error + FLOOR).square()
    total = weights.sum(0, keepdim=True) + smooth_weight
    fill = ((weights * references).sum(0, keepdim=True) + smooth_weight * smooth) / total
    expected = (weights * copy_error).sum(0, keepdim=True) + smooth_weight * smooth_error
    confidence = weights.sum(0, keepdim=True) / total

    shown = known.max(0, keepdim=True).values
    first = known.argmax(0, keepdim=True)  # nearest in time that shows the pixel
    nearest = references.gather(0, first.expand(1, 3, *size))
    likeliest = weights.argmax(0, keepdim=True)
    best = references.gather(0, likeliest.expand(1, 3, *size))
    best = torch.where(weights.max(0, keepdim=True).values > smooth_weight, best, smooth)
    is_hole = hole > 0
    return Evidence(
        fill=torch.where(is_hole, fill, frame),
        smooth=smooth,
        nearest=torch.where(shown > 0, nearest, smooth),
        best=torch.where(is_hole, best, frame),
        error=torch.sqrt(expected / total) * hole,
        confidence=confidence * hole,
    )
