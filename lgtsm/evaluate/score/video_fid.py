"""Video FID of a run: one Frechet distance per table and method, over the I3D features of all clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...errors import ShapeError
from ..metrics.i3d import MIN_FRAMES
from .results import Row

_TRUTH = "truth"


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Frechet distance of two Gaussians fitted to features.

    Source: Heusel et al. 2017, equation 6, with sample covariances (divisor N - 1). The trace of the
    root of the product of both covariances is the sum of the singular values of the product of the
    centred features: no matrix root, and exact for singular covariances. With fewer rows than columns
    the figure depends on N: never compare it across numbers of clips.

    Args:
        first: (N,D), N at least 2.
        second: (M,D), M at least 2.

    Returns:
        The distance, 0 for equal sets.

    Raises:
        ShapeError: too few rows, or different numbers of columns.
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


def video_distances(
    cases: Sequence[Row],
    scores: Sequence[Row],
    features: Sequence[Mapping[str, list[float]] | None],
) -> tuple[list[Row], list[Row]]:
    """Compare the features of every method with those of the true frames.

    Args:
        cases: facts of all cases.
        scores: one row per case and method.
        features: of each row, I3D form to features; None if the clip is too short or has no truth.

    Returns:
        Entries (table, method, form, value, num) and exclusions (clip, holes, method, reason).
    """
    tables = {(case["clip"], case["holes"]): case["table"] for case in cases}
    grouped: dict[tuple[str, str, str], dict[tuple[str, str], list[float]]] = {}
    excluded: list[Row] = []
    for row, found in zip(scores, features, strict=True):
        key = (row["clip"], row["holes"])
        if found is None:
            if row["method"] == _TRUTH:
                reason = f"video FID: a clip of fewer than {MIN_FRAMES} frames is too short for I3D"
                excluded.append({"clip": key[0], "holes": key[1], "method": None, "reason": reason})
            continue
        for form, numbers in found.items():
            grouped.setdefault((tables[key], row["method"], form), {})[key] = numbers
    entries: list[Row] = []
    for (table, method, form), rows in grouped.items():
        real = grouped.get((table, _TRUTH, form), {})
        both = [key for key in rows if key in real]
        if method == _TRUTH:
            continue
        if len(both) < 2:
            reason = "video FID: fewer than 2 clips have no covariance"
            excluded.append({"clip": None, "holes": table, "method": method, "reason": reason})
            continue
        value = frechet_distance(
            np.array([real[key] for key in both]), np.array([rows[key] for key in both])
        )
        entries.append(
            {"table": table, "method": method, "form": form, "value": value, "num": len(both)}
        )
    return entries, excluded
