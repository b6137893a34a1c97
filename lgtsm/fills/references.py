"""Which other frames may lend pixels to a frame's hole."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..box import hole_box

FAR_STEPS = (12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Distances beyond the near frames: an object that stands still hides the same pixels in all of
the near ones."""
_WORTH = 0.004
"""Share of the hole that a far frame must show for the first time to be worth its cost."""


def choose_references(
    t: int,
    hole_at: Callable[[int], Tensor | None],
    near: tuple[int, int],
    far: tuple[int, int],
) -> list[int]:
    """Choose the frames that lend pixels to frame t.

    Args:
        t: number of the frame.
        hole_at: frame number -> its hole (...,h,w), 1 = hole; None where there is no such frame.
        near: how many frames (before, after) are always taken.
        far: how far (before, after), in frames, others may lie; they are taken only for pixels
            that no nearer frame shows.

    Returns:
        Frame numbers without t; depends on the holes only.
    """
    around = range(t - near[0], t + near[1] + 1)
    chosen = [s for s in around if s != t and hole_at(s) is not None]
    hole = hole_at(t)
    box = None if hole is None else hole_box(hole)
    if box is None:
        return chosen
    part = (..., box.rows, box.columns)
    hidden = hole[part] > 0
    total = int(hidden.sum())
    for s in chosen:
        hidden = hidden & (hole_at(s)[part] > 0)
    for step in FAR_STEPS:
        for s, is_near, is_reachable in (
            (t + step, step <= near[1], step <= far[1]),
            (t - step, step <= near[0], step <= far[0]),
        ):
            if is_near or not is_reachable or hole_at(s) is None:
                continue
            still = hidden & (hole_at(s)[part] > 0)
            if int(torch.count_nonzero(hidden & ~still)) > _WORTH * total:
                chosen.append(s)
                hidden = still
    return chosen
