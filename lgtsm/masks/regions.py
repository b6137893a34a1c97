"""Regions of binary pictures, by scipy: typed, since scipy's own functions are not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Flags = NDArray[np.bool_]
Numbers = NDArray[np.intp]
Values = NDArray[np.float64]

_SCIPY: Any = ndimage
_EIGHT = np.ones((3, 3), bool)


def regions(flags: Flags, *, corners: bool = True) -> tuple[Numbers, int]:
    """Number the connected regions of flags (h,w) from 1.

    Args:
        flags: pixels.
        corners: pixels that share only a corner are connected.

    Returns:
        Numbers (h,w), 0 outside, and how many regions there are.
    """
    labels, count = _SCIPY.label(flags, _EIGHT if corners else None)
    return labels.astype(np.intp), int(count)


def sums(values: NDArray[Any], numbers: Numbers, count: int) -> Values:
    """Return the sums (count+1) of values (h,w) over all regions, the outside first."""
    weights = np.ravel(values).astype(np.float64)
    return np.bincount(numbers.ravel(), weights, count + 1).astype(np.float64)


def grown(flags: Flags, px: int) -> Flags:
    """Dilate flags (h,w) by a disc; one of 1 px is a square."""
    y, x = np.ogrid[-px : px + 1, -px : px + 1]
    return dilated(flags, y * y + x * x <= px * px + 1)


def dilated(flags: Flags, shape: Flags) -> Flags:
    """Dilate flags (h,w) by a shape (odd, odd)."""
    return _SCIPY.binary_dilation(flags, shape)


def closed(flags: Flags, px: int) -> Flags:
    """Close gaps of up to 2 `px` between flags (h,w), at the frame's edge as elsewhere."""
    around = np.pad(flags, px)
    return _SCIPY.binary_closing(around, _EIGHT, iterations=px)[px:-px, px:-px]


def opened_flags(flags: Flags) -> Flags:
    """Remove what is narrower than three pixels from flags (h,w)."""
    return _SCIPY.binary_opening(flags, _EIGHT)


def reached(seeds: Flags, inside: Flags) -> Flags:
    """Return the parts of `inside` (h,w) that are connected to seeds in it."""
    return _SCIPY.binary_propagation(seeds & inside, _EIGHT, mask=inside)


def filled(flags: Flags) -> Flags:
    """Fill the regions that flags (h,w) enclose."""
    return _SCIPY.binary_fill_holes(flags)


def averaged(values: NDArray[Any], side: int) -> Values:
    """Average values (h,w) over squares around every pixel."""
    return _SCIPY.uniform_filter(values.astype(np.float64), side)


def opened(colours: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Remove what is bright and narrower than `side` from a picture (3,h,w)."""
    return _SCIPY.grey_opening(colours, (1, side, side))


def signed_distance(shape: Flags) -> Values:
    """Return the distance (h,w) to the edge of a shape in pixels, positive inside."""
    inside, outside = (_SCIPY.distance_transform_edt(x) for x in (shape, ~shape))
    return np.where(shape, inside - 0.5, 0.5 - outside)


def shifted(values: Values, rows: float, columns: float) -> Values:
    """Move values (h,w) by a part of a pixel, linearly interpolated."""
    return _SCIPY.shift(values, (rows, columns), order=1, mode="nearest")
