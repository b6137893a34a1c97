"""Coverage of a mask, with warnings for the user."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from torch import Tensor

from ..box import hole_box, union
from .prepare import INVERTED_RATIO, inverted_mask


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Figures of a clip of holes.

    mean, least, most: hole ratio, 0..1: the mean, the smallest and the largest of the frames.
    box: left, top, width and height of the bounding box of all holes; None without a hole.
    empty: indices of the frames without a hole.
    """

    frames: int
    mean: float
    least: float
    most: float
    box: tuple[int, int, int, int] | None
    empty: tuple[int, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> str:
        """Return the figures as indented JSON."""
        return json.dumps(asdict(self), indent=2)


def coverage(holes: Iterable[Tensor]) -> Coverage:
    """Measure holes, and warn where a mask is probably not what was meant.

    Args:
        holes: (1,H,W) each, 0 or 1, 1 = hole; at least one.
    """
    ratios: list[float] = []
    boxes = []
    for hole in holes:
        ratios.append(float(hole.mean()))
        boxes.append(hole_box(hole))
    whole = union(boxes)
    masked = [index for index, ratio in enumerate(ratios) if ratio]
    empty = tuple(index for index, ratio in enumerate(ratios) if not ratio)
    mean = sum(ratios) / len(ratios)
    warnings = []
    if whole is None:
        warnings.append("the mask is empty: nothing will be filled")
    elif any(masked[0] < index < masked[-1] for index in empty):
        warnings.append(
            "some frames between masked ones have no mask: close gaps with temporal_gap"
        )
    if mean > INVERTED_RATIO:
        warnings.append(inverted_mask(mean))
    return Coverage(
        frames=len(ratios),
        mean=mean,
        least=min(ratios),
        most=max(ratios),
        box=None if whole is None else (whole.left, whole.top, whole.width, whole.height),
        empty=empty,
        warnings=tuple(warnings),
    )
