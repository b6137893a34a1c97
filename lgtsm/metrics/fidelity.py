"""Distance from the truth, pixel by pixel: squared error, PSNR, SSIM; whole frames or a region."""

from __future__ import annotations

import math

from torch import Tensor


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
    kornia's implementation.

    Args:
        result: (N,C,H,W) in [0,1], at least 6x6.
        truth: (N,C,H,W).

    Returns:
        (N,1,H,W), mean over channels; 1 where equal.
    """
    from kornia.metrics import ssim

    return ssim(result, truth, 11).mean(1, keepdim=True)
