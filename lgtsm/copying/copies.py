"""Copies of the pixels of a hole from other frames, under every kind of motion.

They are made only where they are needed: for every pixel of the hole and of a rim around it, and, to
see how well they fit, for every second pixel of the rows and columns of its surroundings. Those of
several frames are registered together where their contexts have one size.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import grid_sample

from ..align.sampling import KNOWN, normalise_coords, sample_at
from ..fills.averaging import halve, local_mean, pad_even
from ..fills.candidate_fill import map_tensors
from ..options import Motion
from .consensus import (
    ERROR_PX,
    EXPOSURE_PX,
    Consensus,
    compare_with_frame,
    expected_error,
    find_consensus,
    keep_chosen,
)
from .coords import Target, chained_coords, half_size_coords, plane_coords, registered_coords
from .source_frames import Search, choose_source_frames

# set by hand, not swept
STEP = 2
"""Pixels between those at which copies are compared with the frame."""
_CHOICE_POINTS = 2000  # pixels of a hole, at most, by which source frames are chosen
_LEAST_KNOWN = 0.9  # part of a reduced pixel's surroundings that must be known to count as shown
_CHOICE_BLUR = 4  # repetitions of a 3x3 average of expected errors before coordinates are chosen


@dataclass(frozen=True)
class HolePixels:
    """The pixels of a context for which copies are made: (P,) rows and columns, counted in it."""

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
class _Chosen:
    """A hole with the source frames that lend it pixels.

    target: the context and these frames.
    pixels: for which copies are made.
    followed: (R,2,h',w') of `half_size_coords` by flow; None where flow is not tried.
    """

    target: Target
    pixels: HolePixels
    followed: Tensor | None

    @classmethod
    def of(cls, target: Target, pixels: HolePixels, search: Search) -> _Chosen | None:
        """Choose among the frames of the target; None where none shows the hole."""
        motions = search.motions
        if Motion.FLOW in motions and target.shot.learned is not None:
            # the nearest: each costs a network
            target = replace(target, sources=target.sources[: search.count])
        followed = half_size_coords(target, Motion.FLOW) if Motion.FLOW in motions else None
        shown = _shown(target, motions, followed)
        indices = choose_source_frames(shown, target.offsets, search.count)
        if not indices:
            return None
        sources = [target.sources[i] for i in indices]
        return cls(
            replace(target, sources=sources),
            pixels,
            None if followed is None else followed[indices],
        )

    def chained(self, motion: Motion) -> Tensor:
        """Return `chained_coords` (R,2,h,w)."""
        return chained_coords(self.target, motion, self.followed)


def copy_pixels(
    targets: Sequence[Target],
    pixels: Sequence[HolePixels],
    search: Search,
    check: Callable[[], None],
) -> list[Copies | None]:
    """Copy the pixels of several frames under every kind of motion, each from sources of its own.

    Args:
        targets: contexts, and every frame of their windows.
        pixels: of each context.
        search: which kinds of motion, and how many sources.
        check: called before each frame; what it raises ends the work.

    Returns:
        For each target what it would be alone; None where no frame shows the hole.
    """
    if not search.motions:
        return [None for _ in targets]
    found = list[_Chosen | None]()
    for target, where in zip(targets, pixels, strict=True):
        check()
        found.append(_Chosen.of(target, where, search) if target.sources else None)
    chosen = [hole for hole in found if hole is not None]
    by_motion = [_register(chosen, motion) for motion in search.motions]
    copies = list[Copies]()
    for hole, *coords in zip(chosen, *by_motion, strict=True):
        check()
        copies.append(_agree(hole, search.motions, coords))
    made = iter(copies)
    return [None if hole is None else next(made) for hole in found]


def _register(chosen: Sequence[_Chosen], motion: Motion) -> list[Tensor]:
    """Return the coordinates (R,2,h,w) of every hole: those of one shape registered together."""
    groups: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, hole in enumerate(chosen):
        box = hole.target.box
        groups[len(hole.target.sources), box.height, box.width].append(i)
    found: dict[int, Tensor] = {}
    for members in groups.values():
        targets = [chosen[i].target for i in members]
        chained = [chosen[i].chained(motion) for i in members]
        found |= zip(members, registered_coords(targets, motion, chained), strict=True)
    return [found[i] for i in range(len(chosen))]


def _agree(hole: _Chosen, motions: tuple[Motion, ...], registered: Sequence[Tensor]) -> Copies:
    """Return what the sources agree on at coordinates (R,2,h,w) under each kind of motion."""
    target, pixels = hole.target, hole.pixels
    tried = [_needed(coords, pixels) for coords in registered]
    if motions[-1] is Motion.FLOW and target.shot.learned is None:
        tried += [_needed(plane, pixels) for plane in plane_coords(target, registered[-1])]
    at = torch.stack(tried)  # (K,R,2,N)
    consensus = find_consensus(*_sample(target, at, pixels), target.offsets)
    coords = at[..., : len(pixels.rows)]
    if len(at) > len(motions):
        first = len(motions) - 1  # flow, then the planes that extrapolate it
        choice = _choose_coords(target, expected_error(consensus)[first:], pixels)
        keep = functools.partial(keep_chosen, first=first, choice=choice)
        consensus, coords = map_tensors(keep, consensus), keep(coords)
    return Copies(motions, consensus, tuple(target.sources), coords)


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


def _needed(coords: Tensor, pixels: HolePixels) -> Tensor:
    """Return coordinates (R,2,h,w) at the pixels, then at every second one: (R,2,N)."""
    sparse = coords[..., ::STEP, ::STEP].flatten(2)
    return torch.cat([pixels.of(coords), sparse], 2)


def _sample(target: Target, at: Tensor, pixels: HolePixels) -> tuple[Tensor, Tensor, Tensor]:
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
        target.crop(x)[..., ::STEP, ::STEP] for x in (target.frame.pixels, target.frame.known)
    )
    count, width = len(pixels.rows), frame.shape[-1]
    colours_around, shown_around = (
        rearrange(x[..., count:], "n c (h w) -> n c h w", w=width) for x in (colour, shown)
    )
    match = compare_with_frame(colours_around, shown_around, frame, known, STEP)
    exposure = pixels.from_cells(match.exposure, EXPOSURE_PX)
    colour = (colour[..., :count] + exposure).clamp_(0, 1)
    shown, error = shown[:, 0, :count], pixels.from_cells(match.error, ERROR_PX)[:, 0]
    num_sources = len(target.sources)
    return (
        rearrange(colour, "(k r) c p -> k r c p", r=num_sources),
        rearrange(shown, "(k r) p -> k r p", r=num_sources),
        rearrange(error, "(k r) p -> k r p", r=num_sources),
    )


def _choose_coords(target: Target, expected: Tensor, pixels: HolePixels) -> Tensor:
    """Return (P,) which of N expected errors (N,1,P), averaged around each pixel, is the least."""
    where = (..., pixels.rows, pixels.columns)
    whole = expected.new_zeros(len(expected), 2, target.box.height, target.box.width)
    whole[where] = torch.cat([expected, torch.ones_like(expected)], 1)
    total, mass = local_mean(whole, _CHOICE_BLUR)[where].unbind(1)
    return (total / mass).argmin(0)
