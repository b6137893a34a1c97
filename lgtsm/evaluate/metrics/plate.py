"""An empty plate as the truth of a removal: relit to each frame, with the floor it can reach.

A plate is taken at another time, in another light. It is compared after adding, at every pixel, the
blurred difference between frame and plate on known pixels; what is left of that difference on known
pixels is the floor that a perfect fill would show, too.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...metrics.fidelity import mean_squared_error

SIGMA_PX = 15.0
"""Blur of the difference in light."""


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


def place_floor(relit_plate: Tensor, frames: Tensor, holes: Tensor) -> float | None:
    """Return the mean squared error of a relit plate on known pixels of the places that holes cover.

    The whole frame's floor is mostly that of plain surroundings; this one is that of the very
    content that has to be filled, as other frames of the shot show it. Places count as often as they
    are covered.

    Returns:
        The error; None where no covered place is ever known.
    """
    known = 1 - holes
    error = (relit_plate - frames).square().mean(1, keepdim=True) * known
    times = known.sum(0)
    mean = error.sum(0) / times.clamp_min(1)
    covered = holes.sum(0) * (times > 0)
    return float((mean * covered).sum() / covered.sum()) if covered.any() else None


def _blurred(clip: Tensor) -> Tensor:
    """Blur (T,C,H,W) by a Gaussian, as far as the frame reaches."""
    for dim in (-2, -1):
        size = clip.shape[dim]
        place = torch.arange(size, dtype=clip.dtype)
        matrix = torch.exp(-((place[:, None] - place) ** 2) / (2 * SIGMA_PX**2))
        matrix = matrix / matrix.sum(1, keepdim=True)
        clip = torch.tensordot(clip, matrix, ([dim], [1])).movedim(-1, dim)
    return clip
