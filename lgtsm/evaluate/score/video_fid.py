"""Video FID of a run: one Frechet distance a table and method, over the features of all clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..metrics.frechet import frechet_distance
from ..metrics.i3d import MIN_FRAMES

_TRUTH = "truth"

Row = dict[str, object]


def video_distances(
    cases: Sequence[Row],
    scores: Sequence[Row],
    features: Sequence[Mapping[str, list[float]] | None],
) -> tuple[list[Row], list[Row]]:
    """Compare the features of every method with those of the clean frames.

    Args:
        cases: facts of all cases.
        scores: one row a case and method.
        features: of each row, form to numbers; None where the clip is too short or has no truth.

    Returns:
        Entries (table, method, form, value, num) and exclusions (clip, holes, method, reason).
    """
    tables = {(case["clip"], case["holes"]): case["table"] for case in cases}
    grouped: dict[tuple[object, object, str], dict[tuple[object, object], list[float]]] = {}
    left_out: list[Row] = []
    for row, found in zip(scores, features, strict=True):
        key = (row["clip"], row["holes"])
        if found is None:
            if row["method"] == _TRUTH:
                reason = f"video FID: a clip of fewer than {MIN_FRAMES} frames is too short for I3D"
                left_out.append({"clip": key[0], "holes": key[1], "method": None, "reason": reason})
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
            left_out.append({"clip": None, "holes": table, "method": method, "reason": reason})
            continue
        value = frechet_distance(
            np.array([real[key] for key in both]), np.array([rows[key] for key in both])
        )
        entries.append(
            {"table": table, "method": method, "form": form, "value": value, "num": len(both)}
        )
    return entries, left_out
