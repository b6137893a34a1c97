"""Where the pixels around a frame's hole lie in other frames, under each kind of motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..align.flow import even, length, pixel_grid, sample_at
from ..align.groupwise import register_groupwise
from ..align.homography import align
from ..align.joint import Views
from ..align.planes import common_planes
from ..align.projective import apply_homography, warped_grid
from ..align.track import to_coords, to_points
from ..align.velocity import refine_coords
from ..box import Box
from ..fills.averaging import halve
from ..options import Motion
from .shot import Shot

_REFINE_STEPS = (6, 5)
"""Gauss-Newton steps, at half and full size of the crop, that take the drift out of a chain."""
_PLANE_POINTS = 500
"""Pixels around a hole, about, that are asked which plane they lie on."""
_FITTED_PLANES = 4
_TRIED_PLANES = 2
"""Of those that are fitted the most useful ones are tried."""
_SAME_PX = 0.2
"""Flow that differs by less from the camera's homography, on average, has nothing to add."""
_HOLE_STRIDE = 3
"""Every so many pixels of a hole are asked whether other frames agree there."""
_MOST_APART = 0.15
"""Difference of brightness from which on frames show different things."""
_LEAST_SPREAD = 0.012
"""Mean disagreement in brightness below which no plane is looked for. On ten real clips looking changes
no PSNR there; the rendered shot with parallax lost 0.3 dB when this and a coarser exposure came."""
_LEAST_GAIN = 0.04
"""Share by which a plane must make the others' disagreement smaller."""


def crop_grid(box: Box, like: Tensor) -> Tensor:
    """Return (1,2,h,w) coords of a box's pixels in their own frame."""
    grid = pixel_grid(box.height, box.width, like)
    return grid + like.new_tensor([box.left, box.top])[None, :, None, None]


def coarse_coords(shot: Shot, t: int, box: Box, others: Sequence[int], motion: Motion) -> Tensor:
    """Follow the links of the shot to other frames, for cells of 2x2 pixels.

    Args:
        shot: holds frame t and the others.
        t: the frame.
        box: part of it.
        others: R frame numbers.
        motion: none, planar or flow.

    Returns:
        (R,2,h',w') coords of the cells' centres, in pixels of the other frames.
    """
    grid = halve(even(crop_grid(box, shot[t].frame)))
    if motion is Motion.NONE:
        return grid.expand(len(others), -1, -1, -1)
    if motion is Motion.PLANAR:
        return _planar(shot, t, grid, others)
    wanted, found = set(others), {}
    for step in (1, -1):
        farthest = max((s * step for s in others), default=t * step) * step
        for s, coords in shot.track.coords(t, grid, step):
            if s in wanted:
                found[s] = coords
            if s == farthest:
                break
    return torch.cat([found[s] for s in others])


def rough_coords(
    shot: Shot, t: int, box: Box, others: Sequence[int], motion: Motion, coarse: Tensor
) -> Tensor:
    """Return coords (R,2,h,w) of every pixel, from those of the cells; arguments as above."""
    grid = crop_grid(box, shot[t].frame)
    if motion is Motion.NONE:
        return grid.expand(len(others), -1, -1, -1)
    planar = _planar(shot, t, grid, others)
    if motion is Motion.PLANAR:
        return planar
    # what flow adds to the homography is smooth
    rest = coarse - halve(even(planar))
    fine = interpolate(rest, scale_factor=2, mode="bilinear", align_corners=False)
    return planar + fine[..., : box.height, : box.width]


def _planar(shot: Shot, t: int, grid: Tensor, others: Sequence[int]) -> Tensor:
    """Move coords (1,2,h,w) of frame t to the others by the chained homographies."""
    size = grid.shape[-2:]
    points = to_points(grid, shot.size).flatten(1, 2).expand(len(others), -1, -1)
    matrices = torch.stack([shot.track.homography(t, s) for s in others]).to(grid.device)
    moved = apply_homography(matrices, points).view(len(others), *size, 2)
    return to_coords(moved, shot.size)


def exact_coords(
    shot: Shot, t: int, box: Box, others: Sequence[int], motion: Motion, rough: Tensor
) -> Tensor:
    """Align the chosen frames directly with frame t, so that chains leave no drift.

    Args:
        shot: holds frame t and the others.
        t: the frame.
        box: part of it.
        others: R frame numbers.
        motion: none, planar or flow.
        rough: (R,2,h,w) of `rough_coords`.

    Returns:
        (R,2,h,w) coords.
    """
    if motion is Motion.NONE:
        return rough
    part = (..., box.rows, box.columns)
    grey, known = shot[t].grey[part], shot[t].known[part]
    if motion is Motion.FLOW:
        views = Views(grey, known, _seen_by(shot, others), rough)
        together = refine_coords(views, [s - t for s in others])
        return register_groupwise(replace(views, coords=together))
    warped = sample_at(_seen_by(shot, others), rough, padding="zeros")
    seen = (warped[:, 1:] > 0.99).to(grey.dtype)
    found = align(grey * known, known, warped[:, :1] * seen, seen, iterations=_REFINE_STEPS)
    # the small homography works inside the crop, the chained one on the frame
    size = (box.height, box.width)
    inside = warped_grid(found.matrix, *size)
    corner = grey.new_tensor([box.left, box.top])[None, :, None, None]
    moved = to_points(to_coords(inside, size) + corner, shot.size).flatten(1, 2)
    matrices = torch.stack([shot.track.homography(t, s) for s in others]).to(grey.device)
    whole = apply_homography(matrices, moved).view(len(others), *size, 2)
    return to_coords(whole, shot.size)


def plane_coords(
    shot: Shot, t: int, box: Box, others: Sequence[int], coords: Tensor
) -> list[Tensor]:
    """Continue flow into the hole along the planes that its surroundings lie on.

    Args:
        shot: holds frame t and the others.
        t: the frame.
        box: part of it.
        others: R frame numbers.
        coords: (R,2,h,w) by flow, exact.

    Returns:
        (R,2,h,w) coords for each of two planes at most: those under which the other frames agree
        best inside the hole, where neither flow nor the camera's own homography does.
    """
    grid = crop_grid(box, shot[t].frame)
    camera = _planar(shot, t, grid, others)
    if len(others) < 2 or _apart(coords, camera) < _SAME_PX:
        return []
    hole = shot[t].known[..., box.rows, box.columns] == 0
    theirs = _seen_by(shot, others)
    best = torch.minimum(*(_spread_in_hole(theirs, x, hole) for x in (coords, camera)))
    if not best.numel() or float(best.mean()) < _LEAST_SPREAD:
        return []
    stride = max(4, round((box.area / _PLANE_POINTS) ** 0.5))
    sparse = (..., slice(stride // 2, None, stride), slice(stride // 2, None, stride))
    shown = sample_at(theirs[:, 1:], coords[sparse])
    seen = ((shown > 0.99) & ~hole[sparse]).to(coords.dtype).flatten(1)
    points = to_points(grid[sparse], shot.size).flatten(1, 2)[0]
    moved = to_points(coords[sparse], shot.size).flatten(1, 2)
    whole = to_points(grid, shot.size).flatten(1, 2)
    found = []
    for matrices in common_planes(points, moved, seen, shot.size, _FITTED_PLANES):
        there = apply_homography(matrices, whole).view(len(others), *grid.shape[-2:], 2)
        found.append(to_coords(there, shot.size))
    spreads = [_spread_in_hole(theirs, x, hole) for x in found]
    left, chosen = list(range(len(found))), []
    while left and len(chosen) < _TRIED_PLANES:
        gains = [float((best - spreads[i]).clamp_min(0).mean()) for i in left]
        largest = max(range(len(left)), key=gains.__getitem__)
        if gains[largest] < _LEAST_GAIN * float(best.mean()):
            break
        chosen.append(left.pop(largest))
        best = torch.minimum(best, spreads[chosen[-1]])
    return [found[i] for i in chosen]


def _seen_by(shot: Shot, others: Sequence[int]) -> Tensor:
    """Return (R,2,H,W) whole frames, grey and known."""
    return torch.cat([torch.cat([shot[s].grey, shot[s].known], 1) for s in others])


def _spread_in_hole(seen_by: Tensor, coords: Tensor, hole: Tensor) -> Tensor:
    """Return (P,) how far frames (R,2,H,W) disagree at some pixels of the hole (1,1,h,w)."""
    sparse = (..., slice(1, None, _HOLE_STRIDE), slice(1, None, _HOLE_STRIDE))
    at = coords[sparse][..., hole[sparse][0, 0]]  # (R,2,P)
    grey, known = sample_at(seen_by, at[:, :, None], padding="zeros")[:, :, 0].unbind(1)  # (R,P)
    seen = (known > 0.99).to(grey.dtype)
    views = seen.sum(0)
    mean = (seen * grey).sum(0) / views.clamp_min(1)
    apart = (grey - mean).abs().clamp_max(_MOST_APART) * seen
    return torch.where(
        views > 1, apart.sum(0) / views.clamp_min(1), torch.full_like(mean, _MOST_APART)
    )


def _apart(one: Tensor, other: Tensor) -> float:
    """Return the mean distance in pixels of coords (R,2,h,w)."""
    return float(length(one - other).mean())
