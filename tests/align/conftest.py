"""A textured picture and clips of it under known motion."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lgtsm.align.projective import apply_homography
from lgtsm.align.sampling import normalised_grid, sample_normalised


@pytest.fixture
def texture(rng: torch.Generator) -> Tensor:
    """(1,1,96,128) of blobs of several sizes, in [0,1]."""
    layers = [
        interpolate(torch.rand(1, 1, n * 3, n * 4, generator=rng), size=(96, 128), mode="bicubic")
        for n in (4, 8, 16)
    ]
    return (sum(layers) / len(layers)).clamp(0, 1)


@pytest.fixture
def moved() -> Callable[[Tensor, Tensor], Tensor]:
    """moved(picture, matrix): the frame in which a pixel x of the picture lies at matrix(x)."""

    def move(picture: Tensor, matrix: Tensor) -> Tensor:
        grid = normalised_grid(*picture.shape[-2:], picture)
        points = apply_homography(torch.linalg.inv(matrix)[None], grid.flatten(1))
        return sample_normalised(picture, points.view_as(grid[None]), mode="bicubic")

    return move
