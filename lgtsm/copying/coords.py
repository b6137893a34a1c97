"""Where other frames show the pixels around a hole, under each kind of motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

import torch
from torch import Tensor

from ..align.groupwise import FrameGroup, fit_velocity, register_groupwise
from ..align.homography import align, to_grey
from ..align.planes import common_planes
from ..align.projective import move_coords
from ..align.sampling import (
    KNOWN,
    length,
    pixel_grid,
    sample_at,
    sample_known,
    to_points,
)
from ..box import Box
from ..fills.averaging import enlarge, halve, pad_even, size_of
from ..options import Motion
from .shot import Shot, ShotFrame, to_pixels

# set by hand, not swept, unless stated
_REFINE_STEPS = (6, 5)  # Gauss-Newton steps at half and full size that remove the drift of a chain
_PLANE_POINTS = 500  # pixels around a hole, about, to which planes are fitted
_PLANES = 2  # that are tried at most
_SAME_MOTION_PX = 0.2
"""Mean distance below which flow adds nothing to the camera's homography. With 0.25, five real clips under
three kinds of hole lost nothing (hole PSNR of copies); 0.5 cost one of them 0.15 dB."""
_HOLE_STRIDE = 3  # step in pixels at which the agreement of frames inside a hole is sampled
_MAX_DIFFERENCE = 0.15  # brightness difference from which on frames show different things
_LEAST_DISAGREEMENT = 0.012
"""Below this disagreement (brightness) no plane is tried. Costs no PSNR on ten real clips; together
with the coarser exposure 0.3 dB on one rendered parallax shot."""
_LEAST_PLANE_GAIN = 0.04  # fraction by which a plane must reduce the disagreement


@dataclass(frozen=True)
class Target:
    """Part of a frame to fill, and the source frames that may show it.

    shot: holds all of them.
    t: number of the frame.
    box: the part.
    sources: R frame numbers.
    """

    shot: Shot
    t: int
    box: Box
    sources: Sequence[int]

    @property
    def offsets(self) -> list[int]:
        """Distances in time of the sources, in frames."""
        return [s - self.t for s in self.sources]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the part."""
        return self.box.height, self.box.width

    @property
    def frame(self) -> ShotFrame:
        """The whole frame."""
        return self.shot[self.t]

    @cached_property
    def grid(self) -> Tensor:
        """Coordinates (1,2,h,w) of the part's pixels."""
        return box_grid(self.box, self.known)

    @cached_property
    def planar(self) -> Tensor:
        """Their coordinates (R,2,h,w) in the sources, by chained homographies."""
        return self.move_by_camera(self.grid)

    @cached_property
    def grey_sources(self) -> Tensor:
        """The whole sources (R,2,H,W), grey and known."""
        known = torch.cat([self.shot[s].is_known for s in self.sources])
        pixels = self.source_pixels
        return torch.cat([to_grey(pixels), known.to(pixels.dtype)], 1)

    @property
    def source_pixels(self) -> Tensor:
        """The whole sources (R,3,H,W), joined anew at every call: keeping them costs more than joining."""
        return to_pixels(torch.cat([self.shot[s].kept for s in self.sources]))

    @cached_property
    def pixels(self) -> Tensor:
        """The part of the frame (1,3,h,w)."""
        return self._own[0]

    @cached_property
    def known(self) -> Tensor:
        """(1,1,h,w) 1 = not a hole."""
        return self._own[1]

    @cached_property
    def _own(self) -> tuple[Tensor, Tensor]:
        return self.frame.part(self.box)

    @cached_property
    def near(self) -> Tensor:
        """(1,1,h,w) 1 = around the hole; at the frame's border the part reaches farther.

        What lies far from a hole moves otherwise, and would mislead.
        """
        where, near = self.frame.hole, torch.zeros_like(self.known)
        box = self.box if where is None else where.near & self.box
        near[(..., *box.within(self.box))] = 1
        return near

    def crop(self, values: Tensor) -> Tensor:
        """Return the part of values (N,C,H,W) of the whole frame."""
        return values[..., self.box.rows, self.box.columns]

    @cached_property
    def camera(self) -> Tensor:
        """Chained homographies (R,3,3) from frame t to the sources, on normalised points."""
        return self.shot.track.homographies(self.t, self.sources).to(self.known)

    def move_by_camera(self, coords: Tensor) -> Tensor:
        """Move coordinates (1 or R,2,h,w) in frame t to the sources by `camera`."""
        return move_coords(self.camera, coords, self.shot.size)

    def learned_coords(self) -> Tensor | None:
        """Return coordinates (R,2,h,w) found by a network; None where the shot has none."""
        shot = self.shot
        if shot.learned is None:
            return None
        pictures = {s: (shot[s].pixels, shot[s].known) for s in self.sources}
        frame = self.frame
        return self.crop(shot.learned.coords(self.t, (frame.pixels, frame.known), pictures))


def box_grid(box: Box, like: Tensor) -> Tensor:
    """Return the coordinates (1,2,h,w) of a box's pixels in their own frame."""
    grid = pixel_grid(box.height, box.width, like)
    return grid + like.new_tensor([box.left, box.top])[None, :, None, None]


def half_size_coords(target: Target, motion: Motion) -> Tensor:
    """Follow the links of the shot: coordinates (R,2,h',w') of cells of 2x2 pixels in R sources."""
    grid = halve(pad_even(target.grid))
    sources = target.sources
    if motion is Motion.FLOW and (learned := target.learned_coords()) is not None:
        return halve(pad_even(learned))
    if motion is Motion.NONE:
        return grid.expand(len(sources), -1, -1, -1)
    if motion is Motion.PLANAR:
        return target.move_by_camera(grid)
    found: dict[int, Tensor] = {}
    for step in (1, -1):
        farthest = max(0, *(offset * step for offset in target.offsets))
        path = islice(target.shot.track.follow(target.t, grid, step), farthest)
        found |= {s: coords for s, coords in path if s in sources}
    return torch.cat([found[s] for s in sources])


def chained_coords(target: Target, motion: Motion, half_size: Tensor | None = None) -> Tensor:
    """Return coordinates (R,2,h,w) along the links; flow starts from `half_size_coords`."""
    if motion is Motion.FLOW and (learned := target.learned_coords()) is not None:
        return learned
    if motion is Motion.NONE:
        return target.grid.expand(len(target.sources), -1, -1, -1)
    if motion is Motion.PLANAR:
        return target.planar
    return target.planar + flow_beyond_camera(target, half_size)


def flow_beyond_camera(target: Target, half_size: Tensor | None = None) -> Tensor:
    """Return what flow along the links adds to `Target.planar`, (R,2,h,w).

    `half_size` is that of `half_size_coords`, where it is known already.
    """
    # what flow adds to the homography is smooth
    if half_size is None:
        half_size = half_size_coords(target, Motion.FLOW)
    residual = half_size - halve(pad_even(target.planar))
    return enlarge(residual, 2, (target.box.height, target.box.width))


def follows_camera(target: Target, coords: Tensor) -> bool:
    """Tell whether coordinates (R,2,h,w) by flow are those of the camera's homographies."""
    return float(length(coords - target.planar).mean()) < _SAME_MOTION_PX


def registered_coords(
    targets: Sequence[Target], motion: Motion, chained: Sequence[Tensor]
) -> list[Tensor]:
    """Register sources with their frames directly, so that chains leave no drift.

    Args:
        targets: B parts of frames of one shot, all of one size and with R sources.
        motion: that the coordinates follow.
        chained: B times (R,2,h,w) of `chained_coords`.

    Returns:
        B times (R,2,h,w); each is what it would be alone.
    """
    shot = targets[0].shot
    if motion is Motion.NONE or (motion is Motion.FLOW and shot.learned is not None):
        return list(chained)  # not chained after all: a network has seen both frames
    grey = to_grey(torch.cat([target.pixels for target in targets]))
    known = torch.cat([target.known for target in targets])
    if motion is Motion.FLOW:
        others = torch.stack([target.grey_sources for target in targets])
        group = FrameGroup(grey, known, others, torch.stack(list(chained)))
        offsets = grey.new_tensor([target.offsets for target in targets])
        group = replace(group, coords=fit_velocity(group, offsets))
        return list(register_groupwise(group).unbind())
    known = known * torch.cat([target.near for target in targets])
    count = len(chained[0])
    sources, coords = torch.cat([target.grey_sources for target in targets]), torch.cat([*chained])
    warped, shown = sample_known(sources, coords)
    found = align(grey * known, known, warped * shown, shown, iterations=_REFINE_STEPS)
    # the small homographies hold within the boxes, the chained ones within the frame
    grids = torch.cat([target.grid for target in targets])
    corners = grids[:, :, :1, :1] - 0.5
    camera = torch.cat([target.camera for target in targets])
    grids, corners = (x.repeat_interleave(count, 0) for x in (grids, corners))
    moved = move_coords(found.matrix, grids - corners, size_of(grids)) + corners
    return list(move_coords(camera, moved, shot.size).chunk(len(targets)))


def plane_coords(target: Target, coords: Tensor) -> list[Tensor]:
    """Extrapolate flow, registered coords (R,2,h,w), into the hole along the planes around it.

    Returns:
        Up to two sets of coordinates (R,2,h,w), from the planes that best explain pixels where flow
        and homography disagree.
    """
    grid, camera, size = target.grid, target.planar, target.shot.size
    if len(target.sources) < 2 or follows_camera(target, coords):
        return []
    hole = target.known == 0
    sources = target.grey_sources
    best = torch.minimum(*(_disagreement(sources, x, hole) for x in (coords, camera)))
    if not best.numel() or float(best.mean()) < _LEAST_DISAGREEMENT:
        return []
    stride = max(4, round((target.box.area / _PLANE_POINTS) ** 0.5))
    sparse = (..., slice(stride // 2, None, stride), slice(stride // 2, None, stride))
    coverage = sample_at(sources[:, 1:], coords[sparse])
    usable = target.near.bool() & ~hole
    shown = ((coverage > KNOWN) & usable[sparse]).to(coords.dtype).flatten(1)
    points = to_points(grid[sparse], size).flatten(2)[0]
    moved = to_points(coords[sparse], size).flatten(2)
    planes = common_planes(points, moved, shown, size, _PLANES)
    found = [move_coords(matrices, grid, size) for matrices in planes]
    remaining = {i: _disagreement(sources, x, hole) for i, x in enumerate(found)}
    chosen: list[Tensor] = []
    while remaining and len(chosen) < _PLANES:
        gains = {i: float((best - x).clamp_min(0).mean()) for i, x in remaining.items()}
        largest = max(gains, key=gains.__getitem__)
        if gains[largest] < _LEAST_PLANE_GAIN * float(best.mean()):
            break
        chosen.append(found[largest])
        best = torch.minimum(best, remaining.pop(largest))
    return chosen


def _disagreement(sources: Tensor, coords: Tensor, hole: Tensor) -> Tensor:
    """Return (P,) how far sources (R,2,H,W) disagree at some pixels of the hole (1,1,h,w)."""
    sparse = (..., slice(1, None, _HOLE_STRIDE), slice(1, None, _HOLE_STRIDE))
    at = coords[sparse][..., hole[sparse][0, 0]]  # (R,2,P)
    grey, shown = (x[:, 0, 0] for x in sample_known(sources, at[:, :, None]))  # (R,P)
    count = shown.sum(0)
    mean = (shown * grey).sum(0) / count.clamp_min(1)
    difference = ((grey - mean).abs().clamp_max(_MAX_DIFFERENCE) * shown).sum(0)
    not_shown = torch.full_like(mean, _MAX_DIFFERENCE)
    return torch.where(count > 1, difference / count.clamp_min(1), not_shown)
