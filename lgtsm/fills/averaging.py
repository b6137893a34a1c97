"""Averages, resampling and gradients, each by what is fastest.

On a CPU pooling takes 4 to 12 times as long as sums of shifted images but for the smallest ones, where
only the number of operations counts; elsewhere it is the other way round. Matrix products serve small
images, and averages repeated often.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

# measured on one core with AVX512; where two ways take as long, the one with fewer operations. Each
# limit is one of the size of an image, never of their number, so that none depends on the others.
_MATRIX_SIDES = 64
"""Sum of the sides, in pixels and for each repetition, up to which matrix products average."""
_MATRIX_PIXELS = 2500
"""Pixels of an image up to which they do for any number of repetitions."""
_POOLED_PIXELS = 1024
"""Pixels of an image up to which pooling halves it on a CPU."""


def size_of(images: Tensor) -> tuple[int, int]:
    """Return (height, width) of images (...,h,w)."""
    return images.shape[-2], images.shape[-1]


def halve(values: Tensor) -> Tensor:
    """Average cells of 2x2: (N,C,h,w), h and w even, to (N,C,h/2,w/2)."""
    height, width = size_of(values)
    if height * width <= _POOLED_PIXELS or values.device.type != "cpu":
        return avg_pool2d(values, 2)
    rows = values[..., ::2, :] + values[..., 1::2, :]
    return (rows[..., ::2] + rows[..., 1::2]) * 0.25


def squared_difference(one: Tensor, other: Tensor) -> Tensor:
    """Return the squared difference (N,1,h,w) of images (N,C,h,w), its mean over the channels."""
    return (one - other).square().mean(1, keepdim=True)


def pad_even(values: Tensor) -> Tensor:
    """Repeat the last row or column of (N,C,h,w) where that side is odd."""
    extra = (0, values.shape[-1] % 2, 0, values.shape[-2] % 2)
    return pad(values, extra, mode="replicate") if any(extra) else values


def enlarge(values: Tensor, factor: int, size: tuple[int, int]) -> Tensor:
    """Enlarge (N,C,h,w) bilinearly by a factor, then crop to a size (height, width)."""
    fine = interpolate(values, scale_factor=factor, mode="bilinear", align_corners=False)
    return fine[..., : size[0], : size[1]]


def local_mean(values: Tensor, times: int = 1) -> Tensor:
    """Average (C,h,w) or (N,C,h,w) over 3x3 pixels with replicated borders, repeatedly.

    n repetitions approach a Gaussian of variance 2n/3 pixels.
    """
    height, width = size_of(values)
    if height + width <= _MATRIX_SIDES * times or height * width <= _MATRIX_PIXELS:
        rows, columns = (
            _smoothing_matrix(side, times, values.dtype, values.device) for side in (height, width)
        )
        return rows @ (values @ columns.mT)
    for _ in range(times):
        wide = pad(values, (1, 1, 1, 1), mode="replicate")
        values = wide.unfold(-2, 3, 1).mean(-1).unfold(-1, 3, 1).mean(-1)
    return values


@functools.lru_cache(maxsize=256)
def _smoothing_matrix(side: int, times: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the (side,side) matrix that averages each of `side` numbers with its neighbours."""
    step = np.pad(np.eye(side), ((1, 1), (0, 0)), mode="edge")
    step = (step[:-2] + step[1:-1] + step[2:]) / 3
    with torch.inference_mode(False):
        return torch.tensor(np.linalg.matrix_power(step, times), dtype=dtype).to(device)


def central_differences(values: Tensor) -> Tensor:
    """Return d/dx and d/dy (2,...,h,w) per pixel of (...,h,w), 0 at the borders."""
    slopes = values.new_zeros((2, *values.shape))
    slopes[0, ..., 1:-1] = (values[..., 2:] - values[..., :-2]) / 2
    slopes[1, ..., 1:-1, :] = (values[..., 2:, :] - values[..., :-2, :]) / 2
    return slopes
