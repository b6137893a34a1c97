"""Pixel coordinates, normalised points, and sampling of frames at either.

Coordinates are in pixels of one frame, x then y, pixel centres at halves: (N,2,h,w). Points are
normalised: the centre of the frame is 0 and its longer side runs from -1 to 1, so that a homography
holds at every size.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

KNOWN = 0.99
"""Interpolation weight of known pixels from which on a sample is known: all of it but rounding."""


def pixel_grid(height: int, width: int, like: Tensor) -> Tensor:
    """Return the coordinates (1,2,h,w) of pixel centres, the first at 0.5."""
    y = torch.arange(0.5, height, dtype=like.dtype, device=like.device)
    x = torch.arange(0.5, width, dtype=like.dtype, device=like.device)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"))[None]


def pixel_axes(height: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return normalised x (w,) and y (h,) of pixel centres."""
    side = max(height, width)
    y = (2 * torch.arange(height, dtype=like.dtype, device=like.device) + 1 - height) / side
    x = (2 * torch.arange(width, dtype=like.dtype, device=like.device) + 1 - width) / side
    return x, y


def normalised_grid(height: int, width: int, like: Tensor) -> Tensor:
    """Return the points (2,h,w) of pixel centres."""
    return torch.stack(torch.meshgrid(*pixel_axes(height, width, like), indexing="xy"))


def to_coords(points: Tensor, size: tuple[int, int]) -> Tensor:
    """Turn points (N,2,h,w) into coordinates (N,2,h,w) in frames of a size (height, width)."""
    return torch.add(_centre(size, points), points, alpha=max(size) / 2)


def to_points(coords: Tensor, size: tuple[int, int]) -> Tensor:
    """Turn coordinates (N,2,h,w) in frames of a size (height, width) into points (N,2,h,w)."""
    return (coords - _centre(size, coords)) * (2 / max(size))


def _centre(size: tuple[int, int], like: Tensor) -> Tensor:
    """Return the coordinates (2,1,1) of the centre of a frame."""
    height, width = size
    return _constants((width / 2, height / 2), like.dtype, like.device, (2, 1, 1))


def normalise_coords(coords: Tensor, size: tuple[int, int]) -> Tensor:
    """Turn coordinates (N,2,h',w') in images of a size (height, width) into what `grid_sample` reads.

    Returns:
        (N,h',w',2), -1 and 1 at the borders of the image.
    """
    height, width = size
    scale = _constants((2 / width, 2 / height), coords.dtype, coords.device)
    border = _constants((-1.0,), coords.dtype, coords.device)
    return torch.addcmul(border, coords.permute(0, 2, 3, 1), scale)


@functools.lru_cache(maxsize=64)
def _constants(
    values: tuple[float, ...],
    dtype: torch.dtype,
    device: torch.device,
    shape: tuple[int, ...] = (-1,),
) -> Tensor:
    """Return values that are made, and brought to their device, once."""
    with torch.inference_mode(False):
        return torch.tensor(values, dtype=dtype).view(shape).to(device)


def sample_at(
    images: Tensor, coords: Tensor, *, mode: str = "bilinear", padding: str = "border"
) -> Tensor:
    """Sample images (N,C,h,w) at coordinates (N,2,h',w')."""
    points = normalise_coords(coords, (images.shape[-2], images.shape[-1]))
    return grid_sample(images, points, mode=mode, padding_mode=padding, align_corners=False)


def sample_known(images: Tensor, coords: Tensor, least: float = KNOWN) -> tuple[Tensor, Tensor]:
    """Sample images together with what is known of them.

    Args:
        images: (N,C+1,h,w), the last channel 1 = known.
        coords: (N,2,h',w').
        least: interpolation weight of known pixels above which a sample is known.

    Returns:
        Values (N,C,h',w'), and (N,1,h',w') 1 where they are known; nothing is outside the images.
    """
    sampled = sample_at(images, coords, padding="zeros")
    values, coverage = torch.split(sampled, [sampled.shape[1] - 1, 1], 1)
    return values, (coverage > least).to(sampled.dtype)


def sample_normalised(images: Tensor, points: Tensor, *, mode: str = "bilinear") -> Tensor:
    """Sample images (N,C,h,w) at points (N,2,h',w'); 0 outside."""
    height, width = images.shape[-2:]
    side = max(height, width)
    scale = _constants((side / width, side / height), points.dtype, points.device)
    points = points.permute(0, 2, 3, 1) * scale
    return grid_sample(images, points, mode=mode, padding_mode="zeros", align_corners=False)


def length(vectors: Tensor) -> Tensor:
    """Return the Euclidean norms (N,1,...) of vectors (N,C,...)."""
    # torch.linalg.vector_norm takes fifty times as long on a CPU, where few channels are summed
    return vectors.square().sum(1, keepdim=True).sqrt_()
