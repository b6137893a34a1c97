"""Items made of one picture each, moved by drawn motions: what every frame shows of another is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lgtsm.models.neighbours.frames import grow_cross, resize

from ..recipe import DataRecipe
from .affine_motion import SHIFT_PX, crop_flow, draw_affine, move_picture
from .batch import Batch
from .crops import draw_crop
from .holes import draw_holes
from .sources import Library

_GROWN = 4
"""Steps by which holes grow, as published."""
_SCALE, _PICTURE_PX = 2, 512
"""Size of pictures over that of items, and the height for which the published shifts are drawn."""


def moved_item(library: Library, data: DataRecipe, rng: np.random.Generator) -> Batch:
    """Draw a picture, the motions of its frames, and their holes, grown as published.

    Args:
        library: of clips and photographs.
        data: number of frames, their size, their holes, augmentation.
        rng: drawn from.

    Returns:
        A batch of one item with its flow.
    """
    side = _SCALE * max(data.shape)
    shift = max(1, SHIFT_PX * side // _PICTURE_PX)
    crop = draw_crop(library, replace(data, size=side, width=0), 1, rng)
    picture = crop.load(library.root, (side, side))[0]
    draws = np.random.RandomState(int(rng.integers(2**32)))  # as published
    motions = [draw_affine(draws, shift=shift) for _ in range(data.num_frames - 1)]
    frames, flow = move_picture(picture, motions)
    if rng.random() < data.shrink_ratio:
        frames, flow = resize(frames, data.shape), resize(flow, data.shape, mode="nearest")
    else:
        top, left = (int(rng.integers(0, side - length + 1)) for length in data.shape)
        flow = crop_flow(flow, top, left, data.shape)
        frames = frames[..., top : top + data.shape[0], left : left + data.shape[1]]
    holes = grow_cross(draw_holes(library, data, data.num_frames, rng), _GROWN)
    others = [t for t in range(data.num_frames) if t != data.num_frames // 2]
    return Batch(frames[None], holes[None], flow=flow[None, others])
