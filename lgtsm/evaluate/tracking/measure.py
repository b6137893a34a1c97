"""Track through one clip from its own masks in some frames, and compare with the others."""

from __future__ import annotations

import time

from torch import Tensor

from ...tracking.call import track_mask
from ...tracking.confidence import overlap
from ...tracking.memory import around
from ...tracking.prompts import Prompt
from .results import Row

PAINTED = (1, 3, 5)
"""Numbers of painted frames that are measured."""
_GROW = 6
"""Pixels by which a mask is grown before its coverage is measured, as before a fill."""
_VISIBLE = 0.002
"""Fraction of the picture from which on an object can be painted."""


def painted_frames(masks: Tensor, number: int) -> list[int]:
    """Choose the frames to paint: the first that shows the object, or evenly spread ones.

    Args:
        masks: (T,1,H,W), 1 = object.
        number: how many.

    Returns:
        Frame numbers in order; none where the object is never large enough.
    """
    shown = [i for i, mask in enumerate(masks) if float(mask.mean()) >= _VISIBLE]
    if not shown:
        return []
    last = len(shown) - 1
    return sorted({shown[round(i * last / max(1, number - 1))] for i in range(number)})


def score_track(name: str, frames: Tensor, masks: Tensor, number: int) -> Row | None:
    """Track from a number of painted frames.

    Args:
        name: of the clip.
        frames: (T,3,H,W) in [0,1].
        masks: (T,1,H,W), 1 = object.
        number: of painted frames.

    Returns:
        Figures of the frames that are not painted: `overlap` (J) and `coverage` (R) with their means,
        `confidence`, and processor time; None where there is nothing to paint or to compare.
    """
    painted = painted_frames(masks, number)
    rest = [i for i in range(len(frames)) if i not in painted]
    if not painted or not any(masks[i].any() for i in rest):
        return None
    began = time.process_time()
    track = track_mask(frames, [Prompt(frame=i, mask=masks[i]) for i in painted], cuts=())
    seconds = (time.process_time() - began) / len(frames)
    overlaps = [overlap(track.masks[i], masks[i]) for i in rest]
    covered = [_coverage(track.masks[i], masks[i]) for i in rest if masks[i].any()]
    return {
        "clip": name,
        "painted": number,
        "frames": len(frames),
        "J": sum(overlaps) / len(overlaps),
        "R": sum(covered) / len(covered),
        "overlap": overlaps,
        "confidence": [float(track.confidence[i]) for i in rest],
        "seconds": seconds,
    }


def _coverage(found: Tensor, true: Tensor) -> float:
    return float((around(found[None], _GROW)[0] * true).sum() / true.sum())
