"""The figures of the LGTSM paper's tables exactly as its code computes them.

Source: the evaluation of the published code (Chang et al. 2019). Frames are truncated to bytes, not
rounded, and measured whole: hole and known pixels together, averaged over the frames of all clips.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

_SIGMA = 1.5
_C1, _C2 = 1e-4, 9e-4
"""(0.01)^2 and (0.03)^2 for values in [0,1]."""

Bytes = np.ndarray


def to_bytes(frames: Tensor) -> Bytes:
    """Truncate frames (...,3,H,W) in [0,1] to bytes (...,H,W,3) as published: 254.9 becomes 254."""
    levels = (frames.clamp(0, 1) * 255).movedim(-3, -1)
    return levels.numpy().astype(np.uint8)


def published_mse(result: Bytes, truth: Bytes) -> float:
    """Return the mean squared error of bytes (H,W,3), in units of white squared."""
    return float(np.mean((result / 255.0 - truth / 255.0) ** 2))


def published_ssim(result: Bytes, truth: Bytes) -> float:
    """Return the SSIM as published: the Gaussian runs over rows, columns and channels.

    Source: Wang et al. 2004 for the formula, scipy's `gaussian_filter` with sigma 1.5 for the
    window; the usual SSIM (`fidelity.ssim_map`) keeps the channels apart.

    Args:
        result: bytes (H,W,3).
        truth: bytes (H,W,3).
    """
    from scipy.ndimage import gaussian_filter

    def blurred(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, _SIGMA)

    a, b = result / 255.0, truth / 255.0
    mean_a, mean_b = blurred(a), blurred(b)
    var_a, var_b = blurred(a * a) - mean_a**2, blurred(b * b) - mean_b**2
    covariance = blurred(a * b) - mean_a * mean_b
    top = (2 * mean_a * mean_b + _C1) * (2 * covariance + _C2)
    bottom = (mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2)
    return float((top / bottom).mean())
