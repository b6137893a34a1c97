"""Which other frames lend pixels to a frame's hole: those that show most of it, near in time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

OFFSETS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 17, 20, 24, 28, 33, 39, 48, 64, 80, 96, 128, 160, 192)
"""Distances in time that are looked at, both ways: dense where frames align best."""
_VALUES = (1.0, 0.35, 0.25, 0.15, 0.1, 0.05)
"""What one more view of a hole pixel is worth: the first shows it, the next confirm it."""
_LATER = 0.02
_PATIENCE = 25.0
"""Frames in time after which a view is worth a third."""
_WORTH = 0.004
"""Share of the hole that a frame must be worth."""


def offsets_within(before: int, after: int) -> list[int]:
    """Return the distances looked at, nearest first, as far as a window reaches."""
    return [
        feature * o
        for o in OFFSETS
        for feature in (1, -1)
        if (o <= after if feature > 0 else o <= before)
    ]


def choose_source_frames(shown: Tensor, offsets: Sequence[int], count: int) -> list[int]:
    """Choose greedily.

    Args:
        shown: (R,P) bool, which of P hole pixels each candidate frame shows.
        offsets: R distances in time, in frames.
        count: how many to choose at most.

    Returns:
        Indices into the candidates, most useful first.
    """
    values = torch.tensor((*_VALUES, _LATER), dtype=torch.float32, device=shown.device)
    seen = torch.zeros(shown.shape[1], dtype=torch.long, device=shown.device)
    share = shown.float()
    left, chosen = list(range(len(offsets))), []
    faded = torch.tensor([math.exp(-abs(o) / _PATIENCE) for o in offsets], device=shown.device)
    while left and len(chosen) < count:
        worth = values[seen.clamp_max(len(_VALUES))]
        gains = (share[left] @ worth) * faded[left]
        best = int(gains.argmax())
        if float(gains[best]) < _WORTH * shown.shape[1]:
            break
        index = left.pop(best)
        chosen.append(index)
        seen += shown[index]
    return chosen
