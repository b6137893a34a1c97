"""Which source frames lend pixels to a hole: those that show most of it, near in time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

# chosen on 14 real clips of 432x240, 40 frames each; offsets beyond 39 came later, by hand
OFFSETS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 17, 20, 24, 28, 33, 39, 48, 64, 80, 96, 128, 160, 192)
"""Distances in time that are searched, both ways, in frames: dense where frames align best."""
_VALUES = (1.0, 0.35, 0.25, 0.15, 0.1, 0.05)  # of a pixel's first copy, its second, ...
_LATER = 0.02  # of every further copy; set by hand, not swept
_FADE_FRAMES = 25.0  # distance in time at which the value has fallen to a third
_LEAST_VALUE = 0.004  # mean value per hole pixel that a frame must add


def offsets_within(before: int, after: int) -> list[int]:
    """Return the offsets within a window, nearest first, later before earlier."""
    return [
        sign * o for o in OFFSETS for sign in (1, -1) if (o <= after if sign > 0 else o <= before)
    ]


def choose_source_frames(shown: Tensor, offsets: Sequence[int], count: int) -> list[int]:
    """Choose source frames greedily.

    Args:
        shown: (R,P) bool, which of P hole pixels each frame shows.
        offsets: R distances in time, in frames.
        count: how many to choose at most.

    Returns:
        Indices of frames, most useful first.
    """
    values = torch.tensor((*_VALUES, _LATER), dtype=torch.float32, device=shown.device)
    seen = torch.zeros(shown.shape[1], dtype=torch.long, device=shown.device)
    weight = shown.float()
    faded = torch.tensor([math.exp(-abs(o) / _FADE_FRAMES) for o in offsets], device=shown.device)
    left = list(range(len(offsets)))
    chosen: list[int] = []
    while left and len(chosen) < count:
        value = values[seen.clamp_max(len(_VALUES))]
        gains = (weight[left] @ value) * faded[left]
        best = int(gains.argmax())
        if float(gains[best]) < _LEAST_VALUE * shown.shape[1]:
            break
        index = left.pop(best)
        chosen.append(index)
        seen += shown[index]
    return chosen
