"""Frechet distance between two sets of features (Heusel et al. 2017, equation 6)."""

from __future__ import annotations

import numpy as np

from ...errors import ShapeError


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Frechet distance of two Gaussians fitted to features.

    Sample covariance (divisor N - 1). The trace of the root of the product of both covariances is the
    sum of the singular values of the product of the centred features, which needs no matrix root and
    is exact where the covariances are singular, as they are with fewer clips than features. With fewer rows than columns the covariances have no full
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
    first, second = first.astype(np.float64), second.astype(np.float64)
    mean_a, mean_b = first.mean(0), second.mean(0)
    a = (first - mean_a) / np.sqrt(len(first) - 1)
    b = (second - mean_b) / np.sqrt(len(second) - 1)
    common = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    spread = (a**2).sum() + (b**2).sum() - 2 * common
    return float(((mean_a - mean_b) ** 2).sum() + max(spread, 0.0))
