"""Copy every hole pixel from the frame nearest in time that shows it, along a given motion."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from ...align.homography import to_grey
from ...align.opencv_flow import dis_flow
from ...fills.smooth import push_pull, smooth_fill
from ...metrics.no_reference import widen
from ..metrics.opencv_baselines import neighbour_homographies

_KNOWN = 0.999
"""Least bilinear weight of known pixels at which a sample counts as known; 1 up to rounding."""
_EDGE_PX = 2
"""Flow this close to a hole was matched against its smooth fill; set by hand, not swept."""


class Step(Protocol):
    """A motion: the position of points of frame t in its neighbour t + direction (+1 or -1)."""

    def __call__(self, points: Tensor, t: int, direction: int) -> Tensor:
        """Move points (N,2), x then y in pixels; NaN where the motion is unknown."""
        ...


def sample(picture: Tensor, points: Tensor) -> Tensor:
    """Sample (C,H,W) at points (N,2) in pixels, bilinearly; (N,C), 0 outside."""
    height, width = picture.shape[-2:]
    grid = 2 * points / points.new_tensor([max(width - 1, 1), max(height - 1, 1)]) - 1
    grid = torch.nan_to_num(grid, nan=-9.0).to(picture.dtype)
    return grid_sample(picture[None], grid[None, None], align_corners=True)[0, :, 0].T


def trace_copy(frames: Tensor, holes: Tensor, step: Step) -> Tensor:
    """Fill every hole pixel from the nearest frame that shows it; the past wins a tie.

    Args:
        frames: (T,3,H,W) in [0,1]; values under the hole are ignored.
        holes: (T,1,H,W), 1 = hole.
        step: the motion.

    Returns:
        (T,3,H,W); pixels that no frame shows are filled smoothly.
    """
    result = smooth_fill(frames, holes)
    known = 1 - holes
    count = len(frames)
    for t in range(count):
        rows, columns = torch.nonzero(holes[t, 0] > 0, as_tuple=True)
        if not len(rows):
            continue
        start = torch.stack([columns, rows], -1).double()
        open_ = torch.ones(len(rows), dtype=torch.bool)
        travelling = {-1: start, 1: start}
        for away in range(1, count):
            for direction in (-1, 1):
                there = t + direction * away
                if not 0 <= there < count or not open_.any():
                    continue
                points = step(travelling[direction], there - direction, direction)
                travelling[direction] = points
                shown = sample(known[there], points)[:, 0] >= _KNOWN
                take = shown & open_
                result[t, :, rows[take], columns[take]] = sample(frames[there], points[take]).T
                open_ &= ~take
    return result


def nearest_copy(frames: Tensor, holes: Tensor) -> Tensor:
    """Copy the same pixel of the frame nearest in time; arguments as `trace_copy`."""
    return trace_copy(frames, holes, lambda points, t, direction: points)


def homography_copy(frames: Tensor, holes: Tensor) -> Tensor:
    """Copy along chained homographies of neighbouring frames; arguments as `trace_copy`."""
    matrices = neighbour_homographies(frames, holes)

    def step(points: Tensor, t: int, direction: int) -> Tensor:
        matrix = matrices[t if direction > 0 else t - 1]
        if matrix is None:
            return torch.full_like(points, torch.nan)
        matrix = matrix if direction > 0 else torch.linalg.inv(matrix)
        moved = torch.cat([points, points.new_ones(len(points), 1)], 1) @ matrix.T
        return moved[:, :2] / moved[:, 2:]

    return trace_copy(frames, holes, step)


def flow_copy(frames: Tensor, holes: Tensor) -> Tensor:
    """Copy along optical flow, completed smoothly inside the holes; arguments as `trace_copy`."""
    filled = smooth_fill(frames, holes)
    if len(frames) < 2:
        return filled
    grey = to_grey(filled)
    forward = completed(dis_flow(grey[:-1], grey[1:]), holes[:-1])
    backward = completed(dis_flow(grey[1:], grey[:-1]), holes[1:])

    def step(points: Tensor, t: int, direction: int) -> Tensor:
        flow = forward[t] if direction > 0 else backward[t - 1]
        return points + sample(flow, points)

    return trace_copy(frames, holes, step)


def completed(flow: Tensor, holes: Tensor) -> Tensor:
    """Replace flow that starts in or next to a hole by a smooth fill of the flow around it."""
    doubtful = widen(holes, _EDGE_PX)
    return torch.where(doubtful > 0, push_pull(flow, 1 - doubtful), flow)
