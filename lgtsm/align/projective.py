"""Homographies applied to normalised points and to pixel coordinates."""

from __future__ import annotations

import torch
from torch import Tensor

from .sampling import pixel_axes, to_coords, to_points

# set by hand, not swept
_MIN_DEPTH = 0.05  # depth of the horizon; the depth at the centre of the frame is 1
_OUTSIDE = 9.0  # where points beyond the horizon are sent, in normalised units: outside any frame
_MAX_STRETCH = 1.6  # neighbouring frames differ by less zoom than this, measured along their sides


def apply_homography(matrix: Tensor, points: Tensor) -> Tensor:
    """Map points.

    Args:
        matrix: (...,3,3).
        points: (...,K,2) x, y.

    Returns:
        (...,K,2); points beyond the horizon are sent far outside the frame.
    """
    x, y = points[..., 0], points[..., 1]
    rows = [
        matrix[..., i, 0, None] * x + matrix[..., i, 1, None] * y + matrix[..., i, 2, None]
        for i in range(3)
    ]
    return torch.stack(_dehomogenised(rows[0], rows[1], rows[2]), -1)


def move_coords(matrices: Tensor, coords: Tensor, size: tuple[int, int]) -> Tensor:
    """Map pixel coordinates by homographies between frames of one size.

    Args:
        matrices: (N,3,3) on normalised points.
        coords: (N,2,h,w), or (1,2,h,w) for all N.
        size: (height, width) of the frames.

    Returns:
        (N,2,h,w).
    """
    points = to_points(coords, size).flatten(1, 2).expand(len(matrices), -1, -1)
    moved = apply_homography(matrices, points)
    return to_coords(moved.view(len(matrices), *coords.shape[-2:], 2), size)


def warped_grid(matrix: Tensor, height: int, width: int) -> Tensor:
    """Map the pixel centres of a frame: `apply_homography` of `normalised_grid`, but faster.

    Args:
        matrix: (N,3,3).
        height: of the frame, in pixels.
        width: of the frame, in pixels.

    Returns:
        (N,h,w,2).
    """
    x, y = pixel_axes(height, width, matrix)
    column = matrix[..., 1, None] * y + matrix[..., 2, None]  # (N,3,h)
    rows = (matrix[..., 0, None] * x)[:, :, None] + column[..., None]  # (N,3,h,w)
    # depth is linear, so the corners bound it; hardly any frame contains its horizon
    if float(rows[:, 2, :: max(height - 1, 1), :: max(width - 1, 1)].min()) > _MIN_DEPTH:
        return (rows[:, :2] * rows[:, 2:].reciprocal()).permute(0, 2, 3, 1)
    return torch.stack(_dehomogenised(rows[:, 0], rows[:, 1], rows[:, 2]), -1)


def _dehomogenised(x: Tensor, y: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
    """Return x / depth and y / depth, `_OUTSIDE` beyond the horizon."""
    beyond = depth <= _MIN_DEPTH
    inverse = depth.masked_fill(beyond, 1.0).reciprocal()
    x, y = x * inverse, y * inverse
    return x.masked_fill_(beyond, _OUTSIDE), y.masked_fill_(beyond, _OUTSIDE)


def is_degenerate(matrix: Tensor, height: int, width: int) -> Tensor:
    """Tell which homographies (N,3,3) fold, mirror or stretch the frame beyond use; (N,) bool."""
    if not len(matrix):
        return matrix.new_zeros(0, dtype=torch.bool)
    right, bottom = width / max(height, width), height / max(height, width)
    corners = matrix.new_tensor(
        [[-right, -bottom], [right, -bottom], [right, bottom], [-right, bottom]]
    )
    moved = apply_homography(matrix, corners.expand(len(matrix), -1, -1))
    finite = torch.isfinite(matrix).all(-1).all(-1)
    sides = torch.roll(moved, -1, 1) - moved
    before = torch.roll(corners, -1, 0) - corners
    stretch = sides.square().sum(-1).sqrt() / before.square().sum(-1).sqrt()
    following = torch.roll(sides, -1, 1)
    turn = sides[..., 0] * following[..., 1] - sides[..., 1] * following[..., 0]
    is_fine = (stretch < _MAX_STRETCH).all(1) & (stretch > 1 / _MAX_STRETCH).all(1)
    return ~(finite & is_fine & (turn > 0).all(1))
