"""All candidates for a hole: the smooth fill, and the consensus under each kind of motion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import max_pool2d

from ..box import Box
from ..fills.averaging import squared_difference
from ..fills.depth import depth_in
from ..fills.smooth import smooth_fill
from .consensus import ERROR_PX, masked_cell_mean, masked_local_mean
from .coords import Target
from .copies import STEP, Copies, HolePixels, copy_pixels
from .grouping import alike
from .shot import Shot
from .source_frames import Search, offsets_within

# set by hand, not swept
_SEAM_RIM_PX = 8  # known rim around a hole for which candidates are made: seams show there
_TRIAL_RING_PX = 8  # width of the known ring around a hole on which the smooth fill is tried
_MAX_DEPTH = 32  # pixels at which it ends
_DEPTH_UNIT = 16  # pixels per unit of it
_SIZE_STEP_PX = 32  # sides of parts with candidates are multiples of this, where a context has room
_TOGETHER_PIXELS = (
    160_000  # pixels of the contexts of frames whose candidates are gathered together
)


@dataclass(frozen=True)
class CopySources:
    """Source frames of the copies on one part of a frame.

    box: the part.
    numbers: R frame numbers.
    coords: (R,2,h,w) of the part's pixels in them.
    weights: (R,1,h,w) of their pixels.
    """

    box: Box
    numbers: tuple[int, ...]
    coords: Tensor
    weights: Tensor

    def outside(self, painted: Tensor, area: Box) -> CopySources:
        """Return the sources without weight where `painted` (1,1,h,w) of an area is 1."""
        weights, common = self.weights.clone(), self.box & area
        inner, outer = (..., *common.within(self.box)), (..., *common.within(area))
        weights[inner] *= 1 - painted[outer]
        return replace(self, weights=weights)


@dataclass(frozen=True)
class Candidates:
    """Candidates for the parts of B frames around their holes, of one size.

    numbers: of the frames.
    boxes: the parts.
    rims: the smallest boxes around the holes and their rims, in the parts.
    frame: (B,3,h,w) of the parts, holes filled smoothly: the first candidate.
    hole: (B,1,h,w).
    pixels: (B,P) flat indices in the part: the hole and a rim, for which there are copies.
    smooth_features: (B,4,P) `SMOOTH_FEATURES`.
    around, around_hole: (B,3,H,W) and (B,1,H,W) of the larger parts on which copies are compared.
    within: rows and columns of each part in these.
    copies: None where no frame shows the holes.
    """

    numbers: Sequence[int]
    boxes: Sequence[Box]
    rims: Sequence[Box]
    frame: Tensor
    hole: Tensor
    pixels: Tensor
    smooth_features: Tensor
    around: Tensor
    around_hole: Tensor
    within: Sequence[tuple[slice, slice]]
    copies: Copies | None

    def at_pixels(self, values: Tensor) -> Tensor:
        """Return values (B,C,h,w) of the parts at the pixels: (B,C,P)."""
        at = self.pixels[:, None].expand(-1, values.shape[1], -1)
        return values.flatten(2).gather(2, at)

    def scatter(self, values: Tensor, background: Tensor) -> Tensor:
        """Lay values (B,C,P) of the pixels over a background (B,C,h,w), which stays unchanged."""
        at = self.pixels[:, None].expand(-1, values.shape[1], -1)
        return background.flatten(2).scatter(2, at, values).view(background.shape)


SMOOTH_FEATURES = ("variance", "trial_error", "depth", "log_area")
"""Squared contrast around the hole, squared error of filling a known ring around it, distance to
the nearest known pixel over 16 pixels, log of the hole's area in pixels."""


def gather_candidates(
    shot: Shot, numbers: Sequence[int], search: Search, check: Callable[[], None] = lambda: None
) -> Iterator[Candidates]:
    """Gather the candidates for the holes of several frames.

    Args:
        shot: holds the frames and their windows.
        numbers: of the frames; those without a hole have no candidates.
        search: which source frames are searched.
        check: called before each frame; what it raises ends the work.

    Yields:
        Candidates of frames that can be blended together; they are what they would be alone.
    """
    targets, parts = list[Target](), list[tuple[Box, Box]]()
    for t in numbers:
        where = shot[t].hole
        if where is not None:
            near = [t + o for o in offsets_within(*search.window) if t + o in shot]
            targets.append(Target(shot, t, where.context, near))
            rim = where.box.grow(_SEAM_RIM_PX) & where.context
            parts.append((_part(rim, where.context), rim))
    for members in alike(
        [(x.size, box.height, box.width) for x, (box, _) in zip(targets, parts, strict=True)]
    ):
        some = [targets[i] for i in members]
        frame = torch.cat([target.pixels for target in some])
        hole = 1 - torch.cat([target.known for target in some])
        side = 2 * _SEAM_RIM_PX + 1
        wide = max_pool2d(hole, (side, 1), 1, (_SEAM_RIM_PX, 0))
        wide = max_pool2d(wide, (1, side), 1, (0, _SEAM_RIM_PX))
        pixels = HolePixels.of_masks(wide)
        features = _smooth_features(frame, hole, pixels)
        for chosen, copies in copy_pixels(some, pixels, search, check):
            yield _candidates(
                [some[i] for i in chosen],
                [parts[members[i]] for i in chosen],
                frame[chosen],
                hole[chosen],
                pixels[chosen],
                features[chosen],
                copies,
            )


def gathered_together(shot: Shot, numbers: Sequence[int]) -> list[int]:
    """Return the first of some frames, and those whose candidates fit into memory with its own."""
    chosen, area = list[int](), 0
    for t in numbers:
        where = shot[t].hole
        area += where.context.area if where else 0
        if not chosen or area <= _TOGETHER_PIXELS:
            chosen.append(t)
    return chosen


def _part(rim: Box, context: Box) -> Box:
    """Return a box around a rim: parts of one size are blended together, so it changes rarely."""
    height = min(rim.height + -rim.height % _SIZE_STEP_PX, context.height)
    width = min(rim.width + -rim.width % _SIZE_STEP_PX, context.width)
    top, left = min(rim.top, context.bottom - height), min(rim.left, context.right - width)
    return Box(top, left, top + height, left + width)


def _candidates(
    targets: Sequence[Target],
    parts: Sequence[tuple[Box, Box]],
    frame: Tensor,
    hole: Tensor,
    pixels: HolePixels,
    features: Tensor,
    copies: Copies | None,
) -> Candidates:
    """Return the candidates on parts of contexts, whose tensors are those of the contexts."""
    boxes, rims = [box for box, _ in parts], [rim for _, rim in parts]
    within = [box.within(target.box) for box, target in zip(boxes, targets, strict=True)]
    corners = torch.tensor([[rows.start, columns.start] for rows, columns in within])
    top, left = corners.to(frame.device).T[..., None]
    return Candidates(
        numbers=[target.t for target in targets],
        boxes=boxes,
        rims=rims,
        frame=crop_each(frame, within),
        hole=crop_each(hole, within),
        pixels=(pixels.rows - top) * boxes[0].width + pixels.columns - left,
        smooth_features=features,
        around=frame,
        around_hole=hole,
        within=within,
        copies=copies,
    )


def crop_each(values: Tensor, within: Sequence[tuple[slice, slice]]) -> Tensor:
    """Return a part of each of (B,C,H,W), all of one size."""
    if all(part == within[0] for part in within):
        return values[(..., *within[0])]
    return torch.stack([x[(..., *part)] for x, part in zip(values.unbind(), within, strict=True)])


def _smooth_features(frame: Tensor, hole: Tensor, pixels: HolePixels) -> Tensor:
    """Return `SMOOTH_FEATURES` (B,4,P) at some pixels of contexts (B,3,h,w) and holes (B,1,h,w)."""
    log_area = torch.log(hole.sum((1, 2, 3)).clamp_min(1.0))[:, None, None]
    depth = pixels.of(depth_in(hole, _MAX_DEPTH, metric="chessboard")) / _DEPTH_UNIT
    errors = pixels.from_cells(_surround_errors(frame, hole)[:, None], ERROR_PX)[:, 0]
    return torch.cat([errors, depth, log_area.expand_as(depth)], 1)


def _surround_errors(frame: Tensor, hole: Tensor) -> Tensor:
    """Return the variance around each hole, and the error of the smooth fill where it is tried.

    Squared, (B,2,h',w') of cells, diffused into the hole.
    """
    sparse = (..., slice(None, None, STEP), slice(None, None, STEP))
    frame, hole = frame[sparse], hole[sparse]
    known, reach = 1 - hole, _TRIAL_RING_PX // STEP
    mean = masked_local_mean(frame, known, STEP)
    wider = max_pool2d(hole, 2 * reach + 1, 1, reach)
    trial = smooth_fill(frame, wider)
    squared = torch.cat([squared_difference(frame, mean), squared_difference(trial, frame)])
    cells = masked_cell_mean(squared, torch.cat([known, wider * known]), STEP)
    return rearrange(cells, "(e b) 1 h w -> b e h w", e=2)
