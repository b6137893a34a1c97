"""Copies of the pixels of a hole from other frames, under every kind of motion.

They are made only where they are needed: for every pixel of the hole and of a rim around it, and, to
see how well they fit, for every second pixel of the rows and columns of its surroundings. Those of
several frames are registered together where their contexts have one size.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
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
from .grouping import alike
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
    copies: dict[int, Copies] = {}
    for members in alike([(*hole.target.size, len(hole.target.sources)) for hole in chosen]):
        holes = [chosen[i] for i in members]
        copies |= zip(members, _copy_together(holes, search.motions, check), strict=True)
    made = (copies[i] for i in range(len(chosen)))
    return [None if hole is None else next(made) for hole in found]


def _copy_together(
    holes: Sequence[_Chosen], motions: tuple[Motion, ...], check: Callable[[], None]
) -> Iterator[Copies]:
    """Yield the copies for holes whose contexts have one size, and as many sources."""
    targets = [hole.target for hole in holes]
    by_motion = [
        registered_coords(targets, motion, [hole.chained(motion) for hole in holes])
        for motion in motions
    ]
    samples = list[_Samples]()
    for hole, *registered in zip(holes, *by_motion, strict=True):
        check()
        tried = list(registered)
        if motions[-1] is Motion.FLOW and hole.target.shot.learned is None:
            tried += plane_coords(hole.target, registered[-1])
        at = torch.stack([_needed(coords, hole.pixels) for coords in tried])
        samples.append(_Samples.at(hole, at))
    for sample, exposure, error in zip(samples, *_compare(samples), strict=True):
        yield _agree(sample, exposure, error, motions)


def _agree(
    samples: _Samples, exposure: Tensor, error: Tensor, motions: tuple[Motion, ...]
) -> Copies:
    """Return what the sources agree on; for exposure and error see `_compare`."""
    target, pixels, at = samples.hole.target, samples.hole.pixels, samples.coords
    count = len(pixels.rows)
    colour = samples.colour[..., :count] + pixels.from_cells(exposure, EXPOSURE_PX)
    shown, error = samples.shown[..., :count], pixels.from_cells(error, ERROR_PX)
    colour, shown, error = (
        x.view(*at.shape[:2], *x.shape[1:]) for x in (colour.clamp_(0, 1), shown, error)
    )
    consensus = find_consensus(colour, shown[:, :, 0], error[:, :, 0], target.offsets)
    coords = at[..., :count]
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


@dataclass(frozen=True)
class _Samples:
    """Sources of a hole, sampled once and bicubically at its pixels, then at every second one.

    coords: (K,R,2,N) of `_needed`.
    colour: (K*R,3,N) in [0,1].
    shown: (K*R,1,N) 1 = the source shows it.
    """

    hole: _Chosen
    coords: Tensor
    colour: Tensor
    shown: Tensor

    @classmethod
    def at(cls, hole: _Chosen, coords: Tensor) -> _Samples:
        """Sample at these coordinates."""
        shot = hole.target.shot
        points = normalise_coords(rearrange(coords, "k r c n -> r c k n"), shot.size)
        colours, covers = list[Tensor](), list[Tensor]()
        for i, number in enumerate(hole.target.sources):
            source, where = shot[number], points[i : i + 1]
            colours.append(
                grid_sample(
                    source.pixels, where, mode="bicubic", padding_mode="border", align_corners=False
                )
            )
            covers.append(grid_sample(source.known, where, align_corners=False))
        colour = rearrange(torch.cat(colours).clamp_(0, 1), "r c k n -> (k r) c n")
        shown = rearrange((torch.cat(covers) > KNOWN).to(colour.dtype), "r 1 k n -> (k r) 1 n")
        return cls(hole, coords, colour, shown)


def _compare(samples: Sequence[_Samples]) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """Compare sources with their frames, on contexts of one size.

    Returns:
        For each hole the exposure (K*R,3,h',w') and error (K*R,1,h",w") of `Match`.
    """
    counts = [len(sample.colour) for sample in samples]
    parts: list[list[Tensor]] = []
    for sample, count in zip(samples, counts, strict=True):
        target, around = sample.hole.target, len(sample.hole.pixels.rows)
        own = [
            target.crop(x)[..., ::STEP, ::STEP].expand(count, -1, -1, -1)
            for x in (target.frame.pixels, target.frame.known)
        ]
        width = -(-target.box.width // STEP)
        theirs = [
            rearrange(x[..., around:], "n c (h w) -> n c h w", w=width)
            for x in (sample.colour, sample.shown)
        ]
        parts.append([*theirs, *own])
    colour, shown, frame, known = (torch.cat(same) for same in zip(*parts, strict=True))
    match = compare_with_frame(colour, shown, frame, known, STEP)
    return torch.split(match.exposure, counts), torch.split(match.error, counts)


def _choose_coords(target: Target, expected: Tensor, pixels: HolePixels) -> Tensor:
    """Return (P,) which of N expected errors (N,1,P), averaged around each pixel, is the least."""
    where = (..., pixels.rows, pixels.columns)
    whole = expected.new_zeros(len(expected), 2, target.box.height, target.box.width)
    whole[where] = torch.cat([expected, torch.ones_like(expected)], 1)
    total, mass = local_mean(whole, _CHOICE_BLUR)[where].unbind(1)
    return (total / mass).argmin(0)
