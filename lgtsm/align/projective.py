"""Homographies applied to normalised points and to pixel coordinates."""

from __future__ import annotations

import torch
from torch import Tensor

from .sampling import to_coords, to_points

# set by hand, not swept
_MIN_DEPTH = 0.05  # depth of the horizon; the depth at the centre of the frame is 1
_OUTSIDE = 9.0  # where points beyond the horizon are sent, in normalised units: outside any frame
_MAX_STRETCH = 1.6  # neighbouring frames differ by less zoom than this, measured along their sides


def apply_homography(matrix: Tensor, points: Tensor) -> Tensor:
    """Map normalised points.

    Args:
        matrix: (...,3,3).
        points: (...,2,K) x, y.

    Returns:
        (...,2,K); points beyond the horizon are sent far outside the frame.
    """
    # not a matrix product: its rounding depends on how many there are
    of_x, of_y, constant = torch.split(matrix, 1, -1)
    x, y = torch.split(points, 1, -2)
    moved = torch.addcmul(torch.addcmul(constant, of_x, x), of_y, y)
    return _dehomogenised(*torch.split(moved, [2, 1], -2))


def move_coords(matrices: Tensor, coords: Tensor, size: tuple[int, int]) -> Tensor:
    """Map pixel coordinates by homographies between frames of one size.

    Args:
        matrices: (N,3,3) on normalised points.
        coords: (N,2,h,w), or (1,2,h,w) for all N.
        size: (height, width) of the frames.

    Returns:
        (N,2,h,w).
    """
    moved = apply_homography(matrices, to_points(coords, size).flatten(2))
    return to_coords(moved.view(-1, *coords.shape[1:]), size)


def _dehomogenised(points: Tensor, depth: Tensor) -> Tensor:
    """Return points / depth, `_OUTSIDE` beyond the horizon."""
    return torch.where(depth > _MIN_DEPTH, points / depth, _OUTSIDE)


def is_degenerate(matrix: Tensor, height: int, width: int) -> Tensor:
    """Tell which homographies (...,3,3) fold, mirror or stretch the frame beyond use; (...) bool."""
    right, bottom = width / max(height, width), height / max(height, width)
    corners = matrix.new_tensor(
        [[-right, right, right, -right], [-bottom, -bottom, bottom, bottom]]
    )
    moved = apply_homography(matrix, corners)
    finite = torch.isfinite(matrix).all(-1).all(-1)
    sides = torch.roll(moved, -1, -1) - moved
    before = torch.roll(corners, -1, -1) - corners
    stretch = sides.square().sum(-2).sqrt() / before.square().sum(-2).sqrt()
    following = torch.roll(sides, -1, -1)
    turn = sides[..., 0, :] * following[..., 1, :] - sides[..., 1, :] * following[..., 0, :]
    is_fine = (stretch < _MAX_STRETCH).all(-1) & (stretch > 1 / _MAX_STRETCH).all(-1)
    return ~(finite & is_fine & (turn > 0).all(-1))


def invert(matrices: Tensor) -> Tensor:
    """Invert matrices (...,n,n); singular ones do not raise."""
    # torch.linalg has no type stubs
    return torch.linalg.inv_ex(matrices)[0]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def solve_linear(normal: Tensor, right: Tensor) -> Tensor:
    """Solve linear equations (...,n,n) for (...,n,m); singular ones do not raise."""
    # torch.linalg has no type stubs
    return torch.linalg.solve_ex(normal, right)[0]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
