"""Frechet distance between two sets of features (Heusel et al. 2017, equation 6)."""

from __future__ import annotations

import numpy as np

from ..errors import ShapeError

_JITTER = 1e-6
"""Added to both covariances where their product has no finite root, as is usual."""


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Frechet distance of two Gaussians fitted to features.

    Sample covariance (divisor N - 1). With fewer rows than columns the covariances have no full
    rank and the figure depends on N: never compare across numbers of clips.

    Args:
        first: (N,D), N at least 2.
        second: (M,D), M at least 2.

    Returns:
        The distance, 0 for equal sets.

    Raises:
        ShapeError: too few rows, or another number of columns.
    """
    fits = first.ndim == second.ndim == 2 and first.shape[1] == second.shape[1]
    if not fits or min(len(first), len(second)) < 2:
        raise ShapeError(
            f"Expected features (N,D) and (M,D) of at least 2 clips each, got {first.shape} and "
            f"{second.shape}; score more clips."
        )
    from scipy.linalg import sqrtm

    first, second = first.astype(np.float64), second.astype(np.float64)
    shift = first.mean(0) - second.mean(0)
    cov_a = np.atleast_2d(np.cov(first, rowvar=False))
    cov_b = np.atleast_2d(np.cov(second, rowvar=False))
    root = sqrtm(cov_a @ cov_b)
    if not np.isfinite(root).all():
        extra = _JITTER * np.eye(len(cov_a))
        root = sqrtm((cov_a + extra) @ (cov_b + extra))
    trace = np.trace(cov_a) + np.trace(cov_b) - 2 * np.trace(root.real)
    return float(shift @ shift + trace)
