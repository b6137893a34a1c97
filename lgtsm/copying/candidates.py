"""All candidates for a hole: the smooth fill, and the consensus under each kind of motion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """Candidates for the part of a frame around its hole.

    box: the part.
    context: the larger part on which copies are compared.
    frame: (1,3,h,w) of the part, its hole filled smoothly: the first candidate.
    hole: (1,1,h,w).
    pixels: (P,) flat indices in the part: the hole and a rim, for which there are copies.
    smooth_features: (4,P) `SMOOTH_FEATURES`.
    copies: None where no frame shows the hole.
    """

    box: Box
    context: Box
    frame: Tensor
    hole: Tensor
    pixels: Tensor
    smooth_features: Tensor
    copies: Copies | None

    def scatter(self, values: Tensor, background: Tensor) -> Tensor:
        """Lay values (N,C,P) of the pixels over a background (N,C,h,w), which stays unchanged."""
        whole = background.flatten(2).clone()
        whole[..., self.pixels] = values
        return whole.view(background.shape)


SMOOTH_FEATURES = ("variance", "trial_error", "depth", "log_area")
"""Squared contrast around the hole, squared error of filling a known ring around it, distance to
the nearest known pixel over 16 pixels, log of the hole's area in pixels."""


def gather_candidates(
    shot: Shot, numbers: Sequence[int], search: Search, check: Callable[[], None] = lambda: None
) -> list[Candidates | None]:
    """Gather the candidates for the holes of several frames.

    Args:
        shot: holds the frames and their windows.
        numbers: of the frames.
        search: which source frames are searched.
        check: called before each frame; what it raises ends the work.

    Returns:
        For each frame what it would be alone; None for one without a hole.
    """
    found = [_Context.of(shot, t, search) for t in numbers]
    contexts = [context for context in found if context is not None]
    targets = [context.target for context in contexts]
    pixels = [context.pixels for context in contexts]
    copies = iter(copy_pixels(targets, pixels, search, check))
    errors = iter(_surround_errors(contexts))
    return [
        None if context is None else context.candidates(next(copies), next(errors))
        for context in found
    ]


def gathered_together(shot: Shot, numbers: Sequence[int]) -> list[int]:
    """Return the first of some frames, and those whose candidates fit into memory with its own."""
    chosen, area = list[int](), 0
    for t in numbers:
        where = shot[t].hole
        area += where.context.area if where else 0
        if not chosen or area <= _TOGETHER_PIXELS:
            chosen.append(t)
    return chosen


@dataclass(frozen=True)
class _Context:
    """The surroundings of one frame's hole.

    target: the part, and every frame of the window.
    box: the smaller part for which there are candidates.
    frame, hole: (1,3,h,w) and (1,1,h,w) of the context.
    pixels: of it, for which copies are made.
    """

    target: Target
    box: Box
    frame: Tensor
    hole: Tensor
    pixels: HolePixels

    @classmethod
    def of(cls, shot: Shot, t: int, search: Search) -> _Context | None:
        """Return that of frame t; None without a hole."""
        where = shot[t].hole
        if where is None:
            return None
        near = [t + o for o in offsets_within(*search.window) if t + o in shot]
        target = Target(shot, t, where.context, near)
        frame, hole = target.crop(target.frame.pixels), 1 - target.crop(target.frame.known)
        side = 2 * _SEAM_RIM_PX + 1
        wide = max_pool2d(hole, (side, 1), 1, (_SEAM_RIM_PX, 0))
        wide = max_pool2d(wide, (1, side), 1, (0, _SEAM_RIM_PX))
        pixels = HolePixels(*wide[0, 0].nonzero().T)
        return cls(target, where.box.grow(_SEAM_RIM_PX) & where.context, frame, hole, pixels)

    def candidates(self, copies: Copies | None, errors: Tensor) -> Candidates:
        """Return the candidates: these copies, and the smooth fill with its `_surround_errors`."""
        rows, columns = part = self.box.within(self.target.box)
        pixels = self.pixels
        return Candidates(
            box=self.box,
            context=self.target.box,
            frame=self.frame[(..., *part)],
            hole=self.hole[(..., *part)],
            pixels=(pixels.rows - rows.start) * self.box.width + pixels.columns - columns.start,
            smooth_features=_smooth_features(self, errors),
            copies=copies,
        )


def _surround_errors(contexts: Sequence[_Context]) -> list[Tensor]:
    """Return the variance around each hole, and the error of the smooth fill where it is tried.

    Squared, (2,1,h',w') of cells, diffused into the hole; contexts of one size are filled together.
    """
    found: dict[int, Tensor] = {}
    for members in alike([context.target.size for context in contexts]):
        sparse = (..., slice(None, None, STEP), slice(None, None, STEP))
        frames = torch.cat([contexts[i].frame[sparse] for i in members])
        holes = torch.cat([contexts[i].hole[sparse] for i in members])
        known, reach = 1 - holes, _TRIAL_RING_PX // STEP
        mean = masked_local_mean(frames, known, STEP)
        wider = max_pool2d(holes, 2 * reach + 1, 1, reach)
        trial = smooth_fill(frames, wider)
        squared = torch.cat([squared_difference(frames, mean), squared_difference(trial, frames)])
        cells = masked_cell_mean(squared, torch.cat([known, wider * known]), STEP)
        cells = rearrange(cells, "(e n) 1 h w -> n e 1 h w", e=2)
        found |= zip(members, cells.unbind(), strict=True)
    return [found[i] for i in range(len(contexts))]


def _smooth_features(context: _Context, errors: Tensor) -> Tensor:
    """Return `SMOOTH_FEATURES` (4,P); for errors (2,1,h',w') see `_surround_errors`."""
    hole, pixels = context.hole, context.pixels
    log_area = torch.log(hole.sum().clamp_min(1.0)).expand(1, len(pixels.rows))
    depth = pixels.of(depth_in(hole[0], _MAX_DEPTH, metric="chessboard")) / _DEPTH_UNIT
    variance, trial_error = pixels.from_cells(errors, ERROR_PX)
    return torch.cat([variance, trial_error, depth, log_area])
