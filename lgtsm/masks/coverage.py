"""How much of each frame a mask covers, in numbers a user can act on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from torch import Tensor

from ..box import hole_box, union
from .prepare import INVERTED_RATIO


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Figures of a clip of holes.

    mean, least, most: shares of hole, 0..1, over all frames and of single frames.
    box: left, top, width and height around all holes; None where there is none.
    empty: numbers of the frames without a hole.
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
    """Measure holes.

    Args:
        holes: (1,H,W) each, 0 or 1, 1 = hole; at least one.

    Returns:
        The figures, with a sentence where a mask is probably not what was meant.
    """
    shares: list[float] = []
    boxes = []
    for hole in holes:
        shares.append(float(hole.mean()))
        boxes.append(hole_box(hole))
    whole = union(boxes)
    masked = [number for number, share in enumerate(shares) if share]
    empty = tuple(number for number, share in enumerate(shares) if not share)
    mean = sum(shares) / len(shares)
    warnings = []
    if whole is None:
        warnings.append("the mask is empty: nothing will be filled")
    elif any(masked[0] < number < masked[-1] for number in empty):
        warnings.append(
            "some frames between masked ones have no mask: close gaps with temporal_gap"
        )
    if mean > INVERTED_RATIO:
        warnings.append(f"the mask covers {mean:.0%} of the picture: is it inverted?")
    return Coverage(
        frames=len(shares),
        mean=mean,
        least=min(shares),
        most=max(shares),
        box=None if whole is None else (whole.left, whole.top, whole.width, whole.height),
        empty=empty,
        warnings=tuple(warnings),
    )
