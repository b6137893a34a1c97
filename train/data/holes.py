"""Holes of a training item, drawn on the CPU: shapes, published strokes, annotated objects."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lgtsm.masks.draw.free_form import free_form_masks
from lgtsm.masks.draw.kinds import KINDS, Kind
from lgtsm.masks.draw.raster import draw_masks
from lgtsm.masks.draw.stroke_presets import Preset

from ..recipe import DataRecipe
from .sources import Clip, Library

_KIND_SHARES = {
    Kind.OBJECT: 0.55,
    Kind.STROKES: 0.15,
    Kind.BOX: 0.15,
    Kind.LOGO: 0.05,
    Kind.TEXT_BAND: 0.05,
    Kind.SCRATCHES: 0.05,
}
"""Objects are what users remove most; the rest keeps the net honest on thin and static holes."""
PUBLISHED_SHARES = {
    Preset.OBJECT_LIKE: 0.25,
    Preset.OBJECT_LIKE_MIDDLE: 0.25,
    Preset.OBJECT_LIKE_SMALL: 0.125,
    Preset.RAND_CURVE: 0.25,
    Preset.RAND_CURVE_SMALL: 0.125,
}
"""The published training takes its masks from folders of all presets ("all masks")."""
MOST_HOLE = 0.7
"""Published strokes that cover more than this are drawn anew: the paper's bins end here."""


def choose_preset(rng: np.random.Generator) -> Preset:
    """Draw one of the published presets."""
    presets = list(PUBLISHED_SHARES)
    return presets[int(rng.choice(len(presets), p=list(PUBLISHED_SHARES.values())))]


def draw_holes(
    library: Library, data: DataRecipe, num_frames: int, rng: np.random.Generator
) -> Tensor:
    """Draw the holes of one item.

    Args:
        library: for its object masks.
        data: shares of the ways of drawing.
        num_frames: T.
        rng: drawn from.

    Returns:
        (T,1,height,width), 1 = hole.
    """
    way = rng.random()
    if way < data.published_ratio:
        return _published(data, num_frames, rng)
    way -= data.published_ratio
    if way < data.annotated_ratio and library.masks:
        return _annotated(library, data, num_frames, rng)
    way -= data.annotated_ratio
    if way < data.border_ratio:
        return _one_kind(Kind.BORDER, _wanted(data, rng), data, num_frames, rng)
    kinds = list(_KIND_SHARES)
    shares = np.array(list(_KIND_SHARES.values()))
    num_shapes = int(rng.choice([1, 2, 3], p=[0.6, 0.25, 0.15]))
    wanted = _wanted(data, rng)
    holes = torch.zeros(num_frames, 1, *data.shape)
    for _ in range(num_shapes):
        kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
        drawn = _one_kind(kind, wanted / num_shapes, data, num_frames, rng)
        holes = torch.maximum(holes, drawn)
    return holes


def _wanted(data: DataRecipe, rng: np.random.Generator) -> float:
    return float(rng.uniform(*data.coverage))


def _one_kind(
    kind: Kind, coverage: float, data: DataRecipe, num_frames: int, rng: np.random.Generator
) -> Tensor:
    """Draw one shape with a share of hole near the wanted one."""
    return draw_masks(
        num_frames,
        *data.shape,
        kind=kind,
        seed=int(rng.integers(2**31)),
        coverage_ratio=float(np.clip(coverage, *KINDS[kind].coverage_limits)),
        speed=0.0 if rng.random() < 0.2 else float(rng.uniform(0.5, 2.0)),
    )


def _published(data: DataRecipe, num_frames: int, rng: np.random.Generator) -> Tensor:
    """Draw published strokes until they leave enough to see."""
    preset = choose_preset(rng)
    while True:
        holes = free_form_masks(
            num_frames, *data.shape, preset=preset, seed=int(rng.integers(2**32))
        )
        if holes.mean() <= MOST_HOLE:
            return holes


def _annotated(
    library: Library, data: DataRecipe, num_frames: int, rng: np.random.Generator
) -> Tensor:
    """Take an object's silhouette from its annotations, resized to the crop."""
    clip: Clip = library.masks[int(rng.integers(len(library.masks)))]
    array = clip.array(library.root)
    start = int(rng.integers(0, max(1, len(array) - num_frames + 1)))
    index = np.minimum(np.arange(start, start + num_frames), len(array) - 1)
    masks = torch.from_numpy(np.array(array[index]))[:, None].float()  # (T,1,H,W)
    small = interpolate(masks, size=data.shape, mode="area")
    holes = (small > 0).float()  # a hole may grow, a missing pixel never counts as known
    return holes.flip(-1) if rng.random() < 0.5 else holes
