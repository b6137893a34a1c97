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

from ..box import Box, hole_box
from .smooth import push_pull, smooth_fill

CELL = 4
"""Errors are pooled over cells of 4x4 pixels: finer is noise, coarser misses edges."""
FLOOR = 2e-4
"""Squared error below which no copy is believed to be (about 3.6 levels of 255)."""


@dataclass(frozen=True)
class Evidence:
    """What is known about a frame's holes before any network has looked.

    fill: (N,3,h,w) evidence fill; equals the frame where it is known.
    smooth, best: (N,3,h,w) candidates: smooth fill, copy of least predicted error (the smooth fill
        where even that is worse); equal the frame where it is known.
    nearest: (N,3,h,w) candidate: the pixel of the nearest frame in time that knows it; where the
        frame itself is known this shows how well a copy fits.
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
        return torch.cat([self.fill, *differences, holes, 4 * self.error, self.confidence], -3)

    def crop(self, rows: slice, columns: slice) -> Evidence:
        """Return the same evidence for a part of the frame."""
        return Evidence(*(value[..., rows, columns].clone() for value in vars(self).values()))


def join_evidence(rows: Sequence[Evidence]) -> Evidence:
    """Stack the evidence of several frames along N."""
    return Evidence(
        *(torch.cat(parts) for parts in zip(*(vars(r).values() for r in rows), strict=True))
    )


SURROUND_PX = 64
"""What lies farther than this from a hole's box says nothing about its content."""
GRID_PX = 16
"""Crops are aligned to this, a multiple of the cell, so that cells do not depend on the crop."""
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
        frame: (1,3,h,w) in [0,1].
        hole: (1,1,h,w), 1 = hole.

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


def evidence_crop(hole: Tensor) -> Box | None:
    """Return the part of a frame that decides what is in its hole.

    Args:
        hole: (...,h,w) of the frame, or of a part of it whose edges are multiples of `GRID_PX`
            or the frame's own and that holds this crop.

    Returns:
        The box, or None without a hole; it depends on nothing but the frame's own hole, so that
        streamed and whole clips get the same fill.
    """
    box = hole_box(hole)
    if box is None:
        return None
    height, width = hole.shape[-2:]
    return box.grow(SURROUND_PX).aligned(GRID_PX) & Box(0, 0, height, width)


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
    order = sorted(range(len(offsets)), key=lambda i: (abs(offsets[i]), -offsets[i]))
    references, holes = references[order], holes[order]  # nearest in time first
    zero = torch.zeros_like(hole)
    nearest = _nearest_known(frame, references, holes)
    whole = Evidence(frame, frame, nearest, frame, zero, zero)
    crop = evidence_crop(hole)
    if crop is None:
        return whole
    rows, columns = slice(crop.top, crop.bottom), slice(crop.left, crop.right)
    part = _weigh(*(x[..., rows, columns] for x in (frame, hole, references, holes)))
    values = []
    for outer, inner in zip(vars(whole).values(), vars(part).values(), strict=True):
        value = outer.clone()
        is_hole = hole[..., rows, columns] > 0
        value[..., rows, columns] = torch.where(is_hole, inner, outer[..., rows, columns])
        values.append(value)
    return Evidence(*values)


def _nearest_known(frame: Tensor, references: Tensor, holes: Tensor) -> Tensor:
    """Return the first reference's pixel that is known, (1,3,h,w); the frame where none is."""
    nearest, open_ = frame, torch.ones_like(frame[:, :1], dtype=torch.bool)
    for reference, hole in zip(references, holes, strict=True):
        shows = open_ & (hole[None] == 0)
        nearest = torch.where(shows, reference[None], nearest)
        open_ = open_ & ~shows
        if not open_.any():
            break
    return nearest


def _weigh(frame: Tensor, hole: Tensor, references: Tensor, holes: Tensor) -> Evidence:
    """Compute the evidence inside the hole; what stands outside it is to be ignored."""
    size = frame.shape[-2:]
    smooth = smooth_fill(frame, hole)
    smooth_error = _smooth_error(frame, hole)
    if len(references) == 0:
        zero = torch.zeros_like(hole)
        return Evidence(smooth, smooth, smooth, smooth, torch.sqrt(smooth_error), zero)
    known = 1 - holes
    difference = (references - frame).square().mean(1, keepdim=True)  # (R,1,h,w)
    pooled, mass = _pool(difference, known * (1 - hole))
    copy_error = _enlarge(push_pull(pooled, mass), size)  # (R,1,h,w)
    weights = known / (copy_error + FLOOR).square()
    smooth_weight = 1 / (smooth_error + FLOOR).square()
    total = weights.sum(0, keepdim=True) + smooth_weight
    fill = ((weights * references).sum(0, keepdim=True) + smooth_weight * smooth) / total
    expected = (weights * copy_error).sum(0, keepdim=True) + smooth_weight * smooth_error
    most, likeliest = weights.max(0, keepdim=True)
    best = references.gather(0, likeliest.expand(1, 3, *size))
    shown = known.max(0, keepdim=True).values
    first = known.argmax(0, keepdim=True)  # the nearest in time that shows the pixel
    nearest = references.gather(0, first.expand(1, 3, *size))
    return Evidence(
        fill=fill,
        smooth=smooth,
        nearest=torch.where(shown > 0, nearest, smooth),
        best=torch.where(most > smooth_weight, best, smooth),
        error=torch.sqrt(expected / total),
        confidence=weights.sum(0, keepdim=True) / total,
    )
