"""Homographies on points, grids and pictures.

They live in normalised coordinates, centre of the frame 0 and its longer side from -1 to 1, so that
they hold at every size.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

_NEAREST = 0.05
"""Depth below which a point counts as beyond the horizon; 1 is the centre of the frame."""
_MAX_STRETCH = 1.6
"""Neighbouring frames differ by less zoom than this, measured at the corners."""


def pixel_axes(height: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return x (w,) and y (h,) of the pixel centres, normalised."""
    side = max(height, width)
    y = (2 * torch.arange(height, dtype=like.dtype, device=like.device) + 1 - height) / side
    x = (2 * torch.arange(width, dtype=like.dtype, device=like.device) + 1 - width) / side
    return x, y


def normalised_grid(height: int, width: int, like: Tensor) -> Tensor:
    """Return (h,w,2) x, y of the pixel centres: centre of the frame 0, longer side from -1 to 1."""
    return torch.stack(torch.meshgrid(*pixel_axes(height, width, like), indexing="xy"), -1)


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
    return torch.stack(_divided(rows[0], rows[1], rows[2]), -1)


def warped_grid(matrix: Tensor, height: int, width: int) -> Tensor:
    """Map the pixel centres of a frame, as `apply_homography` does `normalised_grid`, faster.

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
    # depth is linear, so its corners bound it; hardly any frame reaches its horizon
    if float(rows[:, 2, :: max(height - 1, 1), :: max(width - 1, 1)].min()) > _NEAREST:
        return (rows[:, :2] * rows[:, 2:].reciprocal()).permute(0, 2, 3, 1)
    return torch.stack(_divided(*rows.unbind(1)), -1)


def _divided(x: Tensor, y: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
    """Return x / depth and y / depth, 9 beyond the horizon."""
    beyond = depth <= _NEAREST
    share = depth.masked_fill(beyond, 1.0).reciprocal()
    return (x * share).masked_fill_(beyond, 9.0), (y * share).masked_fill_(beyond, 9.0)


def sample_normalised(images: Tensor, points: Tensor, *, mode: str = "bilinear") -> Tensor:
    """Sample images (N,C,h,w) at normalised points (N,h',w',2); 0 outside."""
    height, width = images.shape[-2:]
    side = max(height, width)
    scale = points.new_tensor([side / width, side / height])
    return grid_sample(images, points * scale, mode=mode, padding_mode="zeros", align_corners=False)


def _corners(like: Tensor, height: int, width: int) -> Tensor:
    side = max(height, width)
    right, bottom = width / side, height / side
    return like.new_tensor([[-right, -bottom], [right, -bottom], [right, bottom], [-right, bottom]])


def is_degenerate(matrix: Tensor, height: int, width: int) -> Tensor:
    """Tell which homographies (N,3,3) fold, mirror or stretch the frame beyond use; (N,) bool."""
    if not len(matrix):
        return matrix.new_zeros(0, dtype=torch.bool)
    corners = _corners(matrix, height, width)
    moved = apply_homography(matrix, corners.expand(len(matrix), -1, -1))
    finite = torch.isfinite(matrix).all(-1).all(-1)
    sides = torch.roll(moved, -1, 1) - moved
    before = torch.roll(corners, -1, 0) - corners
    stretch = sides.norm(dim=-1) / before.norm(dim=-1)
    following = torch.roll(sides, -1, 1)
    turn = sides[..., 0] * following[..., 1] - sides[..., 1] * following[..., 0]
    is_fine = (stretch < _MAX_STRETCH).all(1) & (stretch > 1 / _MAX_STRETCH).all(1)
    return ~(finite & is_fine & (turn > 0).all(1))
