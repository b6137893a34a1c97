"""The static scenery, painted once, as layers at their distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .foliage import Tree, grow_tree, paste
from .ground import Plot, paint_ground
from .noise import Array, Noise
from .palette import Palette, choose_palette
from .sky import paint_sky
from .stage import Stage
from .terrain import paint_fields, paint_hills, paint_mountains

_TREE_Z = (36.0, 24.0)
"""Distances of the two rows of trees beyond the lane, metres."""
_TREE_HEIGHT = {Tree.BROAD: 6.5, Tree.POPLAR: 9.0, Tree.SPRUCE: 8.0, Tree.BUSH: 1.5}


@dataclass(frozen=True)
class Layer:
    """One layer of scenery at a distance in metres; None: the flat ground, which has many."""

    name: str
    distance: float | None


LAYERS: tuple[Layer, ...] = (
    Layer("sky", 1e6),
    Layer("hills", 600.0),
    Layer("ground", None),
    Layer("far trees", _TREE_Z[0]),
    Layer("near trees", _TREE_Z[1]),
)
"""Back to front."""


def paint_layers(stage: Stage, seed: int, rng: np.random.Generator) -> list[Tensor]:
    """Return the textures of `LAYERS`: premultiplied linear RGBA (4,h,w) on the stage's canvas.

    Args:
        stage: the shot's geometry.
        seed: of the noise, 0 or more.
        rng: for light, plants and layout.
    """
    palette = choose_palette(rng, float(rng.choice([-1.0, 1.0])))
    noise = Noise(seed)
    plot = Plot(
        path_x=float(rng.uniform(-5, 5)),
        path_bend=float(rng.uniform(2, 6)),
        lane_half=2.1,
        paved=bool(rng.random() < 0.6),
        shades=((-8.0, 18.0, 6.0, 2.0),),
    )
    textures = {
        "sky": _over(paint_mountains(stage, palette, noise), paint_sky(stage, palette, noise)),
        "hills": _over(paint_fields(stage, palette, noise), paint_hills(stage, palette, noise)),
        "ground": paint_ground(stage, palette, noise, plot),
        "far trees": _trees(stage, palette, rng, _TREE_Z[0], 7),
        "near trees": _trees(stage, palette, rng, _TREE_Z[1], 4),
    }
    return [
        torch.from_numpy(textures[layer.name]).permute(2, 0, 1).contiguous() for layer in LAYERS
    ]


def _over(front: Array, back: Array) -> Array:
    """Composite one premultiplied canvas over another."""
    return front + back * (1 - front[..., 3:])


def _trees(
    stage: Stage, palette: Palette, rng: np.random.Generator, distance: float, count: int
) -> Array:
    """Paint a loose row of trees and bushes at one distance; (h,w,4)."""
    canvas = np.zeros((*stage.canvas, 4), np.float32)
    half = (stage.width / 2 + stage.margin_x) / stage.focal * distance
    places = (np.arange(count) + rng.uniform(0.1, 0.9, count)) / count * 2 * half - half
    for x in places.tolist():
        kind = tuple(Tree)[int(rng.integers(len(Tree)))]
        height = _TREE_HEIGHT[kind] * rng.uniform(0.75, 1.2)
        size = height * stage.focal / distance * stage.density
        sprite = grow_tree(kind, max(6.0, size), palette, rng)
        foot_x = stage.width / 2.0 + stage.focal * x / distance
        paste(canvas, sprite, *stage.to_texel(foot_x, stage.ground_row(distance)))
    return canvas
