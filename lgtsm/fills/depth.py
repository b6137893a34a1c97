"""Depth of a pixel inside a hole: its distance to the nearest known pixel."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from scipy.ndimage import distance_transform_cdt, distance_transform_edt
from torch import Tensor


def depth_in(hole: Tensor, most: int, *, metric: Literal["euclidean", "chessboard"]) -> Tensor:
    """Return the distance of every pixel of a hole to the nearest known pixel, in pixels.

    The frame's border does not count as known.

    Args:
        hole: (...,h,w) floats 0 or 1, 1 = hole; every one of them by itself.
        most: largest distance; all of it where nothing is known.
        metric: of the distance.

    Returns:
        (...,h,w): 0 outside the hole.
    """
    # SciPy has no type stubs, and measures one picture at a time
    measure = distance_transform_edt if metric == "euclidean" else distance_transform_cdt
    distances = np.full(hole.shape, most, dtype=np.float32)
    holes = (hole > 0).cpu().numpy().reshape(-1, *hole.shape[-2:])
    for inside, distance in zip(holes, distances.reshape(holes.shape), strict=True):
        if not inside.all():
            found: np.ndarray = measure(inside)  # pyright: ignore[reportAssignmentType]
            np.minimum(found, most, out=distance, casting="same_kind")
    return torch.from_numpy(distances).to(hole)


def rings(hole: Tensor, most: int) -> Tensor:
    """Number the nearly round rings of a hole from its border inwards; see `depth_in`.

    Returns:
        (...,h,w): 0 outside the hole, 1 at its border, then 2, up to `most`.
    """
    return depth_in(hole, most, metric="euclidean").ceil()


def nearest_outside(hole: Tensor) -> Tensor:
    """Return the number, in row order, of the pixel nearest to every pixel that is not in a hole.

    Args:
        hole: (h,w) bool, not all of it True.

    Returns:
        (h*w,) int64.
    """
    # SciPy has no type stubs
    found: np.ndarray = distance_transform_edt(  # pyright: ignore[reportAssignmentType]
        hole.cpu().numpy(), return_distances=False, return_indices=True
    )
    rows, columns = torch.from_numpy(found).long().flatten(1)
    return (rows * hole.shape[1] + columns).to(hole.device)
