"""Holes of a training item, drawn on the CPU: shapes, published strokes, object annotations."""

from __future__ import annotations

import numpy as np
import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import interpolate

from lgtsm.masks.draw.free_form import free_form_masks
from lgtsm.masks.draw.kinds import KINDS, Kind
from lgtsm.masks.draw.raster import draw_masks
from lgtsm.masks.draw.stroke_presets import Preset

from ..recipe import DataRecipe
from .sources import Library

_KIND_SHARES = {
    Kind.OBJECT: 0.55,
    Kind.STROKES: 0.15,
    Kind.BOX: 0.15,
    Kind.LOGO: 0.05,
    Kind.TEXT_BAND: 0.05,
    Kind.SCRATCHES: 0.05,
}
"""Set by hand: users mostly remove objects; the rest adds thin and static holes."""
PUBLISHED_SHARES = {
    Preset.OBJECT_LIKE: 0.25,
    Preset.OBJECT_LIKE_MIDDLE: 0.25,
    Preset.OBJECT_LIKE_SMALL: 0.125,
    Preset.RAND_CURVE: 0.25,
    Preset.RAND_CURVE_SMALL: 0.125,
}
"""The published training reads its masks from folders of all presets ("all masks")."""
_SHAPE_SHARES = (0.6, 0.25, 0.15)
"""Of holes made of one, two and three shapes; set by hand, not swept."""
_STATIC_RATIO, _MOTION = 0.2, (0.5, 2.0)
"""Share of shapes that stand still; range of the others' speed (`draw_masks`). Set by hand."""
MAX_HOLE_RATIO = 0.7
"""Published strokes that cover more are redrawn: the paper's coverage bins end here."""


def choose_preset(rng: np.random.Generator) -> Preset:
    """Draw one of the published presets."""
    presets = list(PUBLISHED_SHARES)
    return presets[int(rng.choice(len(presets), p=list(PUBLISHED_SHARES.values())))]


def draw_holes(
    library: Library, data: DataRecipe, num_frames: int, rng: np.random.Generator
) -> Tensor:
    """Draw the holes (T,1,height,width) of one item, 1 = hole, in the recipe's shares of kinds."""
    drawn = rng.random()
    if drawn < data.published_ratio:
        return _published(data, num_frames, rng)
    drawn -= data.published_ratio
    if drawn < data.annotated_ratio and library.masks:
        return _annotated(library, data, num_frames, rng)
    drawn -= data.annotated_ratio
    is_border = drawn < data.border_ratio
    num_shapes = 1 if is_border else int(rng.choice([1, 2, 3], p=_SHAPE_SHARES))
    coverage = float(rng.uniform(*data.coverage)) / num_shapes
    kinds, shares = list(_KIND_SHARES), np.array(list(_KIND_SHARES.values()))
    holes = torch.zeros(num_frames, 1, *data.shape)
    for _ in range(num_shapes):
        kind = Kind.BORDER
        if not is_border:
            kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
        shape = draw_masks(
            num_frames,
            *data.shape,
            kind=kind,
            seed=int(rng.integers(2**31)),
            coverage_ratio=float(np.clip(coverage, *KINDS[kind].coverage_limits)),
            speed=0.0 if rng.random() < _STATIC_RATIO else float(rng.uniform(*_MOTION)),
        )
        holes = torch.maximum(holes, shape)
    return holes


def _published(data: DataRecipe, num_frames: int, rng: np.random.Generator) -> Tensor:
    """Draw published strokes until they leave enough of the clip visible."""
    preset = choose_preset(rng)
    while True:
        holes = free_form_masks(
            num_frames, *data.shape, preset=preset, seed=int(rng.integers(2**32))
        )
        if holes.mean() <= MAX_HOLE_RATIO:
            return holes


def _annotated(
    library: Library, data: DataRecipe, num_frames: int, rng: np.random.Generator
) -> Tensor:
    """Draw the silhouette of an annotated object, resized to the crop."""
    clip = library.masks[int(rng.integers(len(library.masks)))]
    array = clip.array(library.root)
    start = int(rng.integers(0, max(1, len(array) - num_frames + 1)))
    index = np.minimum(np.arange(start, start + num_frames), len(array) - 1)
    masks = rearrange(torch.from_numpy(np.array(array[index])), "t h w -> t 1 h w").float()
    small = interpolate(masks, size=data.shape, mode="area")
    holes = (small > 0).float()  # may grow the hole, but never takes a missing pixel for known
    return holes.flip(-1) if rng.random() < 0.5 else holes
