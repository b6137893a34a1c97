"""Distance from the truth, pixel by pixel: squared error, PSNR, SSIM; whole frames or a region."""

from __future__ import annotations

import math

from torch import Tensor

from ..box import Box, hole_box

_WINDOW = 11
"""Side of the window of structural similarity, in pixels."""


def squared_error(result: Tensor, truth: Tensor) -> Tensor:
    """Return the squared error of every pixel, mean over channels, in double precision.

    Args:
        result: (N,C,H,W) in [0,1].
        truth: (N,C,H,W).

    Returns:
        (N,1,H,W).
    """
    return (result - truth).square_().mean(1, keepdim=True).double()


def region_mean(values: Tensor, where: Tensor | None = None) -> float | None:
    """Return the mean of (N,1,H,W) over the pixels where `where` is above 0; None without any."""
    chosen = values if where is None else values[where > 0]
    return float(chosen.mean()) if chosen.numel() else None


def mean_squared_error(result: Tensor, truth: Tensor, where: Tensor | None = None) -> float | None:
    """Return the mean squared error over pixels and channels.

    Args:
        result: (N,C,H,W) in [0,1].
        truth: (N,C,H,W).
        where: (N,1,H,W), above 0 = counts; None is the whole frame.

    Returns:
        The mean; None where no pixel counts.
    """
    return region_mean(squared_error(result, truth), where)


def psnr(mse: float) -> float:
    """Return the peak signal-to-noise ratio in dB of values in [0,1]; infinite for equal ones."""
    return math.inf if mse == 0 else -10 * math.log10(mse)


def ssim_map(result: Tensor, truth: Tensor) -> Tensor:
    """Return the structural similarity of every pixel.

    Source: Wang et al. 2004, with its Gaussian window of 11x11, sigma 1.5, on each channel;
    kornia's implementation, where a window holds a pixel that differs.

    Args:
        result: (N,C,H,W) in [0,1], at least 6x6.
        truth: (N,C,H,W).

    Returns:
        (N,1,H,W), mean over channels; 1 where equal.
    """
    from kornia.metrics import ssim

    similarity = result.new_ones(len(result), 1, *result.shape[-2:])
    frame, reach = Box(0, 0, *result.shape[-2:]), _WINDOW // 2
    for i in range(len(result)):
        differs = hole_box(result[i] != truth[i])
        if differs is None:
            continue
        # windows further away see no difference; those at the rim need their whole window
        inner, outer = differs.grow(reach) & frame, differs.grow(2 * reach) & frame
        part = (slice(i, i + 1), slice(None), outer.rows, outer.columns)
        values = ssim(result[part], truth[part], _WINDOW).mean(1, keepdim=True)
        similarity[i, :, inner.rows, inner.columns] = values[(0, ..., *inner.within(outer))]
    return similarity
