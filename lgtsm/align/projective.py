"""Homographies applied to normalised points and to pixel coordinates."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from .sampling import normalised_grid, to_coords, to_points

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
    moved = points @ matrix[..., :2].mT + matrix[..., None, :, 2]
    return _dehomogenised(moved[..., :2], moved[..., 2:])


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
    """Map the pixel centres of a frame: `apply_homography` of `normalised_grid`.

    Args:
        matrix: (N,3,3).
        height: of the frame, in pixels.
        width: of the frame, in pixels.

    Returns:
        (N,h,w,2).
    """
    moved = move_grid(matrix, homogeneous_grid(height, width, matrix))
    return moved.view(len(matrix), 2, height, width).permute(0, 2, 3, 1)


def homogeneous_grid(height: int, width: int, like: Tensor) -> Tensor:
    """Return x, y and 1 (3,height*width) of the pixel centres, normalised."""
    points = normalised_grid(height, width, like).flatten(0, 1)
    return pad(points, (0, 1), value=1.0).T.contiguous()


def move_grid(matrix: Tensor, grid: Tensor) -> Tensor:
    """Map a `homogeneous_grid` (3,P) by homographies (N,3,3) to points (N,2,P)."""
    # not a matrix product: its rounding depends on how many there are
    moved = torch.addcmul(matrix[..., 2:], matrix[..., 1:2], grid[1])
    moved = torch.addcmul(moved, matrix[..., :1], grid[0])
    return _dehomogenised(moved[:, :2], moved[:, 2:])


def _dehomogenised(points: Tensor, depth: Tensor) -> Tensor:
    """Return points / depth, `_OUTSIDE` beyond the horizon."""
    return torch.where(depth > _MIN_DEPTH, points / depth, _OUTSIDE)


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


def solve_linear(normal: Tensor, right: Tensor) -> Tensor:
    """Solve linear equations (N,n,n) for (N,n) or (N,n,m); singular ones do not raise."""
    # torch.linalg has no type stubs
    return torch.linalg.solve_ex(normal, right)[0]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
