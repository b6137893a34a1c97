"""An empty plate as the truth of a removal: relit to each frame, with the error floor it allows.

A plate is shot at another time, in another light. It is compared after adding, at every pixel, the
blurred difference between frame and plate on known pixels. What remains of that difference on known
pixels is the floor: a perfect fill would show it, too.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...metrics.fidelity import mean_squared_error

SIGMA_PX = 15.0
"""Blur of the difference in light; set by hand, not swept."""


def relit(plate: Tensor, frames: Tensor, holes: Tensor) -> Tensor:
    """Return the plate in the light of every frame.

    Args:
        plate: (3,H,W) in [0,1], without the object.
        frames: (T,3,H,W) in [0,1].
        holes: (T,1,H,W), 1 = hole.

    Returns:
        (T,3,H,W) in [0,1].
    """
    known = 1 - holes
    weight = _blurred(known).clamp_min(1e-6)
    offset = _blurred((frames - plate) * known) / weight
    return (plate + offset).clamp(0, 1)


def known_floor(relit_plate: Tensor, frames: Tensor, holes: Tensor) -> float:
    """Return the mean squared error of a relit plate on known pixels; 0 where there are none."""
    return mean_squared_error(relit_plate, frames, 1 - holes) or 0.0


def covered_floor(relit_plate: Tensor, frames: Tensor, holes: Tensor) -> float | None:
    """Return the mean squared error of a relit plate at pixels that a hole covers at another time.

    `known_floor` is mostly that of plain surroundings; this one is that of the content that has
    to be filled, in the frames that show it. Each pixel counts as often as it is covered.

    Returns:
        The error; None if no covered pixel is ever known.
    """
    known = 1 - holes
    error = (relit_plate - frames).square().mean(1, keepdim=True) * known
    times = known.sum(0)
    mean = error.sum(0) / times.clamp_min(1)
    covered = holes.sum(0) * (times > 0)
    return float((mean * covered).sum() / covered.sum()) if covered.any() else None


def _blurred(clip: Tensor) -> Tensor:
    """Blur (T,C,H,W) by a Gaussian that is normalised over the part inside the frame.

    Matrix products: kornia's `gaussian_blur2d` takes 5 to 9 times as long at 432x240.
    """
    rows, columns = (_gaussian(size, clip) for size in clip.shape[-2:])
    return rows @ clip @ columns.mT


def _gaussian(size: int, like: Tensor) -> Tensor:
    """Return the blur of `size` pixels as a matrix (size,size) whose rows sum to 1."""
    index = torch.arange(size, dtype=like.dtype)
    matrix = torch.exp(-((index[:, None] - index) ** 2) / (2 * SIGMA_PX**2))
    return matrix / matrix.sum(1, keepdim=True)
