"""All candidates for one hole: the smooth fill, and the consensus under each kind of motion.

Copies are made only where they are needed: for every pixel of the hole and of a rim around it, and,
to see how well they fit, for every second pixel of the rows and columns of its surroundings.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import grid_sample, max_pool2d

from ..align.sampling import KNOWN, normalise_coords, sample_at
from ..box import Box
from ..fills.averaging import halve, local_mean, pad_even, squared_difference
from ..fills.candidate_fill import map_tensors
from ..fills.depth import depth_in
from ..fills.smooth import smooth_fill
from ..options import Motion
from .consensus import (
    ERROR_PX,
    EXPOSURE_PX,
    Consensus,
    compare_with_frame,
    expected_error,
    find_consensus,
    keep_chosen,
    masked_cell_mean,
    masked_local_mean,
)
from .coords import (
    Target,
    chained_coords,
    half_size_coords,
    plane_coords,
    registered_coords,
)
from .shot import Shot
from .source_frames import Search, choose_source_frames, offsets_within

# set by hand, not swept
_SEAM_RIM_PX = 8  # known rim around a hole for which candidates are made: seams show there
_STEP = 2  # pixels between those at which copies are compared with the frame
_CHOICE_POINTS = 2000  # pixels of a hole, at most, by which source frames are chosen
_LEAST_KNOWN = 0.9  # part of a reduced pixel's surroundings that must be known to count as shown
_CHOICE_BLUR = 4  # repetitions of a 3x3 average of expected errors before coordinates are chosen
_TRIAL_RING_PX = 8  # width of the known ring around a hole on which the smooth fill is tried
_MAX_DEPTH = 32  # pixels at which it ends
_DEPTH_UNIT = 16  # pixels per unit of it


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


@dataclass(frozen=True)
class Copies:
    """Copies of P pixels under K kinds of motion.

    motions: K kinds.
    consensus: what the sources agree on.
    numbers: R frame numbers of the sources.
    coords: (K,R,2,P) of the pixels in them.
    """

    motions: tuple[Motion, ...]
    consensus: Consensus
    numbers: tuple[int, ...]
    coords: Tensor


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


@dataclass(frozen=True)
class _Pixels:
    """The pixels of a context for which copies are made: (P,) rows, and columns, counted in it."""

    rows: Tensor
    columns: Tensor

    @property
    def coords(self) -> Tensor:
        """Their coordinates (1,2,1,P) in the context."""
        return torch.stack([self.columns, self.rows])[None, :, None] + 0.5

    def of(self, values: Tensor) -> Tensor:
        """Return values (...,h,w) at these: (...,P)."""
        return values[..., self.rows, self.columns]

    def from_cells(self, cells: Tensor, side: int) -> Tensor:
        """Interpolate (N,C,h',w') of cells of side x side pixels: (N,C,P)."""
        at = (self.coords / side).to(cells.dtype).expand(len(cells), -1, -1, -1)
        return sample_at(cells, at)[:, :, 0]


def gather_candidates(shot: Shot, t: int, search: Search) -> Candidates | None:
    """Gather the candidates for the hole of frame t.

    Args:
        shot: holds frame t and its window.
        t: the frame; one without a hole gives None.
        search: which source frames are searched.
    """
    where = shot[t].hole
    if where is None:
        return None
    context, box = where.context, where.box.grow(_SEAM_RIM_PX) & where.context
    near = [t + o for o in offsets_within(*search.window) if t + o in shot]
    target = Target(shot, t, context, near)
    frame, hole = target.crop(target.frame.pixels), 1 - target.crop(target.frame.known)
    side = 2 * _SEAM_RIM_PX + 1
    wide = max_pool2d(hole, (side, 1), 1, (_SEAM_RIM_PX, 0))
    wide = max_pool2d(wide, (1, side), 1, (0, _SEAM_RIM_PX))
    pixels = _Pixels(*wide[0, 0].nonzero().T)
    rows, columns = part = box.within(context)
    return Candidates(
        box=box,
        context=context,
        frame=frame[(..., *part)],
        hole=hole[(..., *part)],
        pixels=(pixels.rows - rows.start) * box.width + pixels.columns - columns.start,
        smooth_features=_smooth_features(frame, hole, pixels),
        copies=_copy(target, search, pixels) if near and search.motions else None,
    )


def _copy(target: Target, search: Search, pixels: _Pixels) -> Copies | None:
    """Copy under every kind of motion from the same sources; None where no frame shows the hole."""
    motions, is_learned = search.motions, target.shot.learned is not None
    if is_learned and Motion.FLOW in motions:  # the nearest: each costs a network
        target = replace(target, sources=target.sources[: search.count])
    followed = half_size_coords(target, Motion.FLOW) if Motion.FLOW in motions else None
    shown = _shown(target, motions, followed)
    indices = choose_source_frames(shown, target.offsets, search.count)
    if not indices:
        return None
    chosen = replace(target, sources=[target.sources[i] for i in indices])
    tried = list[Tensor]()
    for motion in motions:
        half_size = followed[indices] if followed is not None and motion is Motion.FLOW else None
        registered = registered_coords(chosen, motion, chained_coords(chosen, motion, half_size))
        tried.append(_needed(registered, pixels))
        if motion is Motion.FLOW and not is_learned:
            tried += [_needed(plane, pixels) for plane in plane_coords(chosen, registered)]
    at = torch.stack(tried)  # (K,R,2,N)
    consensus = find_consensus(*_sample(chosen, at, pixels), chosen.offsets)
    coords = at[..., : len(pixels.rows)]
    if len(at) > len(motions):
        first = len(motions) - 1  # flow, then the planes that extrapolate it
        choice = _choose_coords(target, expected_error(consensus)[first:], pixels)
        keep = functools.partial(keep_chosen, first=first, choice=choice)
        consensus, coords = map_tensors(keep, consensus), keep(coords)
    return Copies(motions, consensus, tuple(chosen.sources), coords)


def _shown(target: Target, motions: tuple[Motion, ...], followed: Tensor | None) -> Tensor:
    """Tell which of some hole pixels each source shows under each motion: (R,K*P) bool."""
    hidden = halve(pad_even(1 - target.crop(target.frame.known)))[0, 0].nonzero()
    rows, columns = hidden[:: -(-len(hidden) // _CHOICE_POINTS)].T
    points = halve(pad_even(target.grid))[..., rows, columns][:, :, None]  # (1,2,1,P)
    moved: dict[Motion, Tensor] = {Motion.NONE: points.expand(len(target.sources), -1, -1, -1)}
    if Motion.PLANAR in motions:
        moved[Motion.PLANAR] = target.move_by_camera(points)
    if followed is not None:
        moved[Motion.FLOW] = followed[..., rows, columns][:, :, None]
    at = torch.cat([moved[motion] for motion in motions], 2)  # (R,2,K,P)
    known = torch.cat([target.shot[s].reduced_known for s in target.sources])
    points = normalise_coords(at, target.shot.size)
    return grid_sample(known, points, align_corners=False).flatten(1) > _LEAST_KNOWN


def _needed(coords: Tensor, pixels: _Pixels) -> Tensor:
    """Return coordinates (R,2,h,w) at the pixels, then at every second one: (R,2,N)."""
    sparse = coords[..., ::_STEP, ::_STEP].flatten(2)
    return torch.cat([pixels.of(coords), sparse], 2)


def _sample(target: Target, at: Tensor, pixels: _Pixels) -> tuple[Tensor, Tensor, Tensor]:
    """Sample R sources at coordinates (K,R,2,N) of `_needed`, once and bicubically.

    Returns:
        Colours (K,R,3,P), what is shown (K,R,P) and local errors (K,R,P) of the pixels.
    """
    points = normalise_coords(rearrange(at, "k r c n -> r c k n"), target.shot.size)
    colours, covers = list[Tensor](), list[Tensor]()
    for i, number in enumerate(target.sources):
        source, where = target.shot[number], points[i : i + 1]
        colours.append(
            grid_sample(
                source.pixels, where, mode="bicubic", padding_mode="border", align_corners=False
            )
        )
        covers.append(grid_sample(source.known, where, align_corners=False))
    colour = rearrange(torch.cat(colours).clamp_(0, 1), "r c k n -> (k r) c n")
    shown = rearrange((torch.cat(covers) > KNOWN).to(colour.dtype), "r 1 k n -> (k r) 1 n")
    frame, known = (
        target.crop(x)[..., ::_STEP, ::_STEP] for x in (target.frame.pixels, target.frame.known)
    )
    count, width = len(pixels.rows), frame.shape[-1]
    colours_around, shown_around = (
        rearrange(x[..., count:], "n c (h w) -> n c h w", w=width) for x in (colour, shown)
    )
    match = compare_with_frame(colours_around, shown_around, frame, known, _STEP)
    exposure = pixels.from_cells(match.exposure, EXPOSURE_PX)
    colour = (colour[..., :count] + exposure).clamp_(0, 1)
    shown, error = shown[:, 0, :count], pixels.from_cells(match.error, ERROR_PX)[:, 0]
    num_sources = len(target.sources)
    return (
        rearrange(colour, "(k r) c p -> k r c p", r=num_sources),
        rearrange(shown, "(k r) p -> k r p", r=num_sources),
        rearrange(error, "(k r) p -> k r p", r=num_sources),
    )


def _choose_coords(target: Target, expected: Tensor, pixels: _Pixels) -> Tensor:
    """Return (P,) which of N expected errors (N,1,P), averaged around each pixel, is the least."""
    where = (..., pixels.rows, pixels.columns)
    whole = expected.new_zeros(len(expected), 2, target.box.height, target.box.width)
    whole[where] = torch.cat([expected, torch.ones_like(expected)], 1)
    total, mass = local_mean(whole, _CHOICE_BLUR)[where].unbind(1)
    return (total / mass).argmin(0)


def _smooth_features(frame: Tensor, hole: Tensor, pixels: _Pixels) -> Tensor:
    """Return `SMOOTH_FEATURES` (4,P) of a smoothly filled frame (1,3,h,w) and its hole."""
    log_area = torch.log(hole.sum().clamp_min(1.0)).expand(1, len(pixels.rows))
    depth = pixels.of(depth_in(hole[0], _MAX_DEPTH, metric="chessboard")) / _DEPTH_UNIT
    frame, hole = frame[..., ::_STEP, ::_STEP], hole[..., ::_STEP, ::_STEP]
    known, reach = 1 - hole, _TRIAL_RING_PX // _STEP
    mean = masked_local_mean(frame, known, _STEP)
    wider = max_pool2d(hole, 2 * reach + 1, 1, reach)
    trial = smooth_fill(frame, wider)
    squared = torch.cat([squared_difference(frame, mean), squared_difference(trial, frame)])
    cells = masked_cell_mean(squared, torch.cat([known, wider * known]), _STEP)
    variance, trial_error = pixels.from_cells(cells, ERROR_PX)
    return torch.cat([variance, trial_error, depth, log_area])
