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
from ..fills.averaging import halve, local_mean, pad_even, size_of
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
from .coords import (
    Target,
    chained_coords,
    follows_camera,
    half_size_coords,
    plane_coords,
    registered_coords,
)
from .grouping import alike
from .source_frames import Search, choose_source_frames

# set by hand, not swept
STEP = 2
"""Pixels between those at which copies are compared with the frame."""
_CHOICE_POINTS = 2000  # pixels of a hole, at most, by which source frames are chosen
_LANES = 64
"""Columns that torch sums together on a CPU; what is left over it sums in another order, so that a frame's
last digit would depend on the frames beside it."""
_LEAST_KNOWN = 0.9  # part of a reduced pixel's surroundings that must be known to count as shown
_CHOICE_BLUR = 4  # repetitions of a 3x3 average of expected errors before coordinates are chosen


@dataclass(frozen=True)
class HolePixels:
    """The pixels of B contexts for which copies are made: (B,P) rows and columns, counted in each.

    The last one is repeated, to a number that all contexts have and `_LANES` divides.
    """

    rows: Tensor
    columns: Tensor

    @classmethod
    def of_masks(cls, masks: Tensor) -> HolePixels:
        """Return those of masks (B,1,h,w), 1 = copy; every mask has some."""
        frames, _, rows, columns = masks.nonzero().T
        counts = torch.bincount(frames, minlength=len(masks))
        last = counts.cumsum(0)[:, None] - 1
        most = int(counts.max())
        most += -most % _LANES
        at = last - counts[:, None] + 1 + torch.arange(most, device=masks.device)
        at = torch.minimum(at, last)
        return cls(rows[at], columns[at])

    def __getitem__(self, members: Sequence[int]) -> HolePixels:
        """Return those of some of the contexts."""
        chosen = list(members)
        return HolePixels(self.rows[chosen], self.columns[chosen])

    @property
    def coords(self) -> Tensor:
        """Their coordinates (B,2,1,P) in the context."""
        return torch.stack([self.columns, self.rows], 1)[:, :, None] + 0.5

    def flat(self, width: int) -> Tensor:
        """Return their numbers (B,P) in row order of contexts of a width."""
        return torch.add(self.columns, self.rows, alpha=width)

    def of(self, values: Tensor) -> Tensor:
        """Return values (B,...,h,w) at these: (B,...,P)."""
        at = self.flat(values.shape[-1])
        at = at.view(len(at), *(1,) * (values.dim() - 3), -1)
        return values.flatten(-2).gather(-1, at.expand(*values.shape[:-2], -1))

    def from_cells(self, cells: Tensor, side: int) -> Tensor:
        """Interpolate (B,N,C,h',w') of cells of side x side pixels: (B,N,C,P)."""
        at = (self.coords / side).to(cells.dtype)
        at = at[:, None].expand(-1, cells.shape[1], -1, -1, -1)
        found = sample_at(cells.flatten(0, 1), at.flatten(0, 1))
        return found.view(*cells.shape[:3], -1)


@dataclass(frozen=True)
class Copies:
    """Copies of P pixels of B frames under K kinds of motion.

    motions: K kinds.
    consensus: what the sources agree on.
    numbers: for each frame the R frame numbers of its sources.
    coords: (B,K,R,2,P) of the pixels in them.
    """

    motions: tuple[Motion, ...]
    consensus: Consensus
    numbers: Sequence[tuple[int, ...]]
    coords: Tensor


@dataclass(frozen=True)
class _Chosen:
    """A context with the source frames that lend it pixels.

    target: the context and these frames.
    followed: (R,2,h',w') of `half_size_coords` by flow; None where flow is not tried.
    """

    target: Target
    followed: Tensor | None

    @classmethod
    def of(cls, target: Target, search: Search) -> _Chosen | None:
        """Choose among the frames of the target; None where none shows the hole."""
        motions = search.motions
        if not motions or not target.sources:
            return None
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
            replace(target, sources=sources), None if followed is None else followed[indices]
        )

    def chained(self, motion: Motion) -> Tensor:
        """Return `chained_coords` (R,2,h,w)."""
        return chained_coords(self.target, motion, self.followed)


def copy_pixels(
    targets: Sequence[Target], pixels: HolePixels, search: Search, check: Callable[[], None]
) -> Iterator[tuple[Sequence[int], Copies | None]]:
    """Copy the pixels of several frames under every kind of motion, each from sources of its own.

    Args:
        targets: contexts of one size, and every frame of their windows.
        pixels: of the contexts.
        search: which kinds of motion, and how many sources.
        check: called before each frame; what it raises ends the work.

    Yields:
        Places of some targets, and their copies; None where no frame shows the hole. Copies are what
        they would be alone.
    """
    chosen = list[_Chosen | None]()
    for target in targets:
        check()
        chosen.append(_Chosen.of(target, search))
    for members in alike([0 if x is None else len(x.target.sources) for x in chosen]):
        some = [x for i in members if (x := chosen[i]) is not None]
        if not some:
            yield members, None
            continue
        for part, copies in _copy_together(some, pixels[members], search.motions, check):
            yield [members[i] for i in part], copies


def _copy_together(
    chosen: Sequence[_Chosen],
    pixels: HolePixels,
    motions: tuple[Motion, ...],
    check: Callable[[], None],
) -> Iterator[tuple[Sequence[int], Copies]]:
    """Yield what `copy_pixels` does, for contexts with as many sources."""
    targets = [one.target for one in chosen]
    measures_flow = motions[-1] is Motion.FLOW and targets[0].shot.learned is None
    may_be_camera = measures_flow and Motion.PLANAR in motions
    tried: list[list[Tensor]] = [[] for _ in targets]
    for motion in motions:
        chained = [one.chained(motion) for one in chosen]
        own = list(range(len(targets)))
        if motion is Motion.FLOW and may_be_camera:
            own = [i for i in own if not follows_camera(targets[i], chained[i])]
        if own:
            found = registered_coords([targets[i] for i in own], motion, [chained[i] for i in own])
            for i, coords in zip(own, found, strict=True):
                tried[i].append(coords)
    for target, coords in zip(targets, tried, strict=True):
        check()
        if measures_flow and len(coords) == len(motions):
            coords += plane_coords(target, coords[-1])
    for members in alike([len(coords) for coords in tried]):
        coords = torch.stack([torch.stack(tried[i]) for i in members])
        some = [targets[i] for i in members]
        yield members, _copy(some, pixels[members], coords, motions)


def _copy(
    targets: Sequence[Target], pixels: HolePixels, coords: Tensor, motions: tuple[Motion, ...]
) -> Copies:
    """Copy from coordinates (B,K,R,2,h,w); of those beyond the K motions each pixel takes the best.

    Where one is missing, flow is the camera's motion, and its copies are those before it.

    Sources are sampled at the pixels, then, to be compared, at every second one of the context.
    """
    count = pixels.rows.shape[1]
    sparse = coords[..., ::STEP, ::STEP]
    at = torch.cat([pixels.of(coords), sparse.flatten(-2)], -1)  # (B,K,R,2,N)
    colour, shown = _sampled(targets, at)  # (B,K,R,3,N) and (B,K,R,1,N)
    exposure, error = _compare(
        targets, *(x[..., count:].reshape(*x.shape[:-1], *size_of(sparse)) for x in (colour, shown))
    )
    colour = colour[..., :count] + pixels.from_cells(exposure, EXPOSURE_PX).view_as(
        colour[..., :count]
    )
    error = pixels.from_cells(error, ERROR_PX).view(*at.shape[:3], -1)
    offsets = colour.new_tensor([target.offsets for target in targets])
    consensus = find_consensus(
        colour.clamp_(0, 1).flatten(0, 1),
        shown[..., 0, :count].flatten(0, 1),
        error.flatten(0, 1),
        offsets.repeat_interleave(at.shape[1], 0),
    )

    def by_frame(values: Tensor) -> Tensor:
        return values.view(*at.shape[:2], *values.shape[1:])

    consensus = map_tensors(by_frame, consensus)
    at = at[..., :count]
    if at.shape[1] < len(motions):
        consensus, at = map_tensors(_last_twice, consensus), _last_twice(at)
    if at.shape[1] > len(motions):
        first = len(motions) - 1  # flow, then the planes that extrapolate it
        choice = _choose_coords(expected_error(consensus)[:, first:], pixels, size_of(coords))
        keep = functools.partial(keep_chosen, first=first, choice=choice)
        consensus, at = map_tensors(keep, consensus), keep(at)
    return Copies(motions, consensus, [tuple(target.sources) for target in targets], at)


def _last_twice(values: Tensor) -> Tensor:
    """Return (B,K,...) with the last of K kinds of motion once more."""
    return torch.cat([values, values[:, -1:]], 1)


def _shown(target: Target, motions: tuple[Motion, ...], followed: Tensor | None) -> Tensor:
    """Tell which of some hole pixels each source shows under each motion: (R,K*P) bool."""
    hidden = halve(pad_even(1 - target.known))[0, 0].nonzero()
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


def _sampled(targets: Sequence[Target], coords: Tensor) -> tuple[Tensor, Tensor]:
    """Sample the sources bicubically at coordinates (B,K,R,2,N), once.

    Returns:
        Colours (B,K,R,3,N) in [0,1], and 1 where the source shows them (B,K,R,1,N).
    """
    colours, covers = list[Tensor](), list[Tensor]()
    for target, at in zip(targets, coords, strict=True):
        shot = target.shot
        points = normalise_coords(rearrange(at, "k r c n -> r c k n"), shot.size)
        pixels = target.source_pixels
        colours.append(
            grid_sample(pixels, points, mode="bicubic", padding_mode="border", align_corners=False)
        )
        covers.append(grid_sample(target.grey_sources[:, 1:], points, align_corners=False))
    colour, cover = (torch.stack(x).permute(0, 3, 1, 2, 4) for x in (colours, covers))
    return colour.clamp(0, 1), (cover > KNOWN).to(colour.dtype)


def _compare(targets: Sequence[Target], colour: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
    """Compare sources, (B,K,R,3,h,w) and 1 where shown (B,K,R,1,h,w), with their frames.

    Returns:
        Exposure (B,K*R,3,h',w') and error (B,K*R,1,h",w") of `Match`.
    """
    each = colour.shape[1] * colour.shape[2]
    frame = torch.cat([target.pixels for target in targets])
    known = torch.cat([target.known for target in targets])
    frame, known = (x[..., ::STEP, ::STEP].repeat_interleave(each, 0) for x in (frame, known))
    match = compare_with_frame(colour.flatten(0, 2), shown.flatten(0, 2), frame, known, STEP)
    exposure, error = (
        x.view(len(targets), each, *x.shape[1:]) for x in (match.exposure, match.error)
    )
    return exposure, error


def _choose_coords(expected: Tensor, pixels: HolePixels, size: tuple[int, int]) -> Tensor:
    """Return (B,P) which of N expected errors (B,N,1,P), averaged around each pixel, is the least.

    `size` is that of the contexts.
    """
    at = pixels.flat(size[1])[:, None, None].expand(-1, expected.shape[1], 2, -1)
    whole = expected.new_zeros(*at.shape[:3], size[0] * size[1])
    whole.scatter_(-1, at, torch.cat([expected, torch.ones_like(expected)], 2))
    blurred = local_mean(whole.view(-1, 2, *size), _CHOICE_BLUR)
    total, mass = blurred.view_as(whole).gather(-1, at).unbind(2)
    return (total / mass).min(1).indices  # argmin takes six times as long on a CPU
