"""Fidelity to the truth: squared error, PSNR and SSIM, over whole frames or a region."""

from __future__ import annotations

import math

from torch import Tensor

from ..box import Box, hole_box

_WINDOW = 11
"""Side of the SSIM window in pixels, as published."""


def squared_error(result: Tensor, truth: Tensor) -> Tensor:
    """Return the squared error per pixel, mean over channels, in double precision.

    Args:
        result: (N,C,H,W) in [0,1].
        truth: (N,C,H,W).

    Returns:
        (N,1,H,W).
    """
    return (result - truth).square_().mean(1, keepdim=True).double()


def region_mean(values: Tensor, where: Tensor | None = None) -> float | None:
    """Return the mean of (N,1,H,W) over the pixels where `where` is above 0; None if there are none."""
    chosen = values if where is None else values[where > 0]
    return float(chosen.mean()) if chosen.numel() else None


def mean_squared_error(result: Tensor, truth: Tensor, where: Tensor | None = None) -> float | None:
    """Return the mean squared error over pixels and channels.

    Args:
        result: (N,C,H,W) in [0,1].
        truth: (N,C,H,W).
        where: (N,1,H,W), above 0 = included; None: the whole frame.

    Returns:
        The mean; None if no pixel is included.
    """
    return region_mean(squared_error(result, truth), where)


def psnr(mse: float) -> float:
    """Return the PSNR in dB of a mean squared error of values in [0,1]; infinite for 0."""
    return math.inf if mse == 0 else -10 * math.log10(mse)


def hole_psnr(result: Tensor, truth: Tensor, holes: Tensor) -> float:
    """Return the PSNR inside the holes in dB; infinite if nothing differs or there is no hole.

    Args:
        result: (T,3,H,W) in [0,1].
        truth: (T,3,H,W).
        holes: (T,1,H,W) or (1,1,H,W), 0 or 1, 1 = hole.
    """
    where = holes.expand(len(result), -1, -1, -1)
    return psnr(mean_squared_error(result.double(), truth.double(), where) or 0.0)


def ssim_map(result: Tensor, truth: Tensor) -> Tensor:
    """Return the structural similarity per pixel.

    Source: Wang et al. 2004, Gaussian window of 11x11 with sigma 1.5, on each channel; kornia's
    implementation, run only around the pixels that differ.

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
        # windows farther away see no difference; those at the rim need their whole support
        inner, outer = differs.grow(reach) & frame, differs.grow(2 * reach) & frame
        part = (slice(i, i + 1), slice(None), outer.rows, outer.columns)
        values = ssim(result[part], truth[part], _WINDOW).mean(1, keepdim=True)
        similarity[i, :, inner.rows, inner.columns] = values[(0, ..., *inner.within(outer))]
    return similarity
