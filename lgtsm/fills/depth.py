"""Depth of a pixel inside a hole: how often the hole erodes before the pixel is reached."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def shrink(hole: Tensor, *, corners: bool) -> Tensor:
    """Erode a hole by one pixel; the frame's border does not count as known.

    Several times as fast on a CPU as a 3x3 minimum by pooling.

    Args:
        hole: (...,h,w) bool.
        corners: erode with a 3x3 square instead of a cross.
    """
    left = hole.clone()
    left[..., 1:, :] &= hole[..., :-1, :]
    left[..., :-1, :] &= hole[..., 1:, :]
    across = left.clone() if corners else hole
    left[..., 1:] &= across[..., :-1]
    left[..., :-1] &= across[..., 1:]
    return left


def rings(hole: Tensor, most: int) -> Tensor:
    """Number the nearly round rings of a hole from its border inwards.

    Args:
        hole: (...,h,w) 0 or 1, 1 = hole.
        most: largest number; deeper pixels get it too.

    Returns:
        (...,h,w): 0 outside the hole, 1 at its border, then 2, up to `most`.
    """
    # eroding by squares and crosses in turn gives octagons
    return _layers(hole, most, lambda number: bool(number % 2))


def chessboard_depth(hole: Tensor, step: int, most: int) -> Tensor:
    """Return the chessboard distance to the nearest known pixel.

    Args:
        hole: (...,h,w) 0 or 1, 1 = hole.
        step: pixels; distances are rounded up to a multiple of it.
        most: largest distance, in pixels; a multiple of `step`.

    Returns:
        (...,h,w) in pixels, 0 outside the hole.
    """
    return torch.ceil(_layers(hole, most, lambda _: True) / step) * step


def _layers(hole: Tensor, most: int, corners: Callable[[int], bool]) -> Tensor:
    """Number the erosions of a hole (...,h,w), at most `most`, by which each pixel is reached."""
    left, depth = hole > 0, torch.zeros_like(hole)
    for number in range(most):
        if not left.any():
            break
        depth += left
        left = shrink(left, corners=corners(number))
    return depth
