"""The hole pixels of a rendered shot that another frame shows, which a copy can restore."""

from __future__ import annotations

import torch
from torch import Tensor

from .render import Scene

_DISTANCES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 40, 48)
"""Offsets of the frames that are searched, both ways; set by hand."""


def shown_elsewhere(scene: Scene) -> Tensor:
    """Return which pixels of the mask another frame shows.

    Args:
        scene: a rendered shot.

    Returns:
        (T,1,H,W), 1 = in the mask, and the same point of the same layer is visible in another frame:
        outside its mask and not behind another layer.
    """
    shown = torch.zeros_like(scene.mask)
    count, _, height, width = scene.mask.shape
    for t in range(count):
        y, x = torch.nonzero(scene.mask[t, 0] > 0, as_tuple=True)
        if not len(y):
            continue
        found = torch.zeros(len(y), dtype=torch.bool)
        for s in (t + sign * d for d in _DISTANCES for sign in (1, -1)):
            if not 0 <= s < count:
                continue
            moved = scene.view.flow(scene.front[t], t, s)[:, y, x]
            column, row = (x + moved[0]).round().long(), (y + moved[1]).round().long()
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            column, row = column.clamp(0, width - 1), row.clamp(0, height - 1)
            same = scene.front[s, row, column] == scene.front[t, y, x]
            found |= inside & same & (scene.mask[s, 0, row, column] == 0)
        shown[t, 0, y, x] = found.float()
    return shown
