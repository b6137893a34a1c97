"""Trees, bushes and grass, made of thousands of small lit leaves and blades."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from .noise import Array
from .palette import Palette, linear

_FINE = 2
"""Supersampling factor of the leaves."""


class Tree(Enum):
    """Growth forms."""

    BROAD = "broad"
    POPLAR = "poplar"
    SPRUCE = "spruce"
    BUSH = "bush"


@dataclass(frozen=True)
class Sprite:
    """A small picture anchored at a point of the ground."""

    rgba: Array
    """Premultiplied linear RGBA (h,w,4)."""
    foot_x: float
    """Column of the foot in texels."""
    foot_y: float
    """Row of the foot in texels."""


def paste(canvas: Array, sprite: Sprite, x: float, y: float) -> None:
    """Composite a sprite over a canvas, its foot at texel (x, y), cropped to the canvas.

    Args:
        canvas: premultiplied RGBA (H,W,4), changed in place.
        sprite: the picture.
        x: texel column of the foot.
        y: texel row of the foot.
    """
    left, top = round(x - sprite.foot_x), round(y - sprite.foot_y)
    height, width = sprite.rgba.shape[:2]
    x0, x1 = max(left, 0), min(left + width, canvas.shape[1])
    y0, y1 = max(top, 0), min(top + height, canvas.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = sprite.rgba[y0 - top : y1 - top, x0 - left : x1 - left]
    under = canvas[y0:y1, x0:x1]
    under *= 1.0 - part[..., 3:]
    under += part


def _clusters(kind: Tree, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return cluster centres (n,3) and radii (n,) in tree heights, foot at 0, x right, y up."""
    if kind is Tree.POPLAR:
        t = np.linspace(0.10, 0.96, 34)
        spread = 0.085 * np.sin(np.pi * np.clip(t * 0.93 + 0.10, 0, 1)) ** 0.6
        centre = np.stack([rng.normal(0, spread), t, rng.normal(0, spread)], 1)
        return centre, 0.055 + 0.45 * spread
    if kind is Tree.SPRUCE:
        t = rng.uniform(0.08, 0.97, 90)
        spread = 0.235 * (1.0 - t) ** 0.85 + 0.008
        turn = rng.uniform(0, 2 * np.pi, 90)
        droop = t - 0.10 * spread / 0.235
        centre = np.stack([spread * np.cos(turn), droop, spread * np.sin(turn)], 1)
        return centre, 0.028 + 0.16 * spread
    count, low, wide = (46, 0.36, 0.34) if kind is Tree.BROAD else (22, 0.0, 0.62)
    direction = rng.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    reach = rng.uniform(0.45, 1.0, (count, 1)) ** 0.5
    half = (0.97 - low) / 2.0
    centre = direction * reach * np.array([wide, half * 0.86, wide])
    centre[:, 1] += low + half
    centre[:, 0] += 0.05 * np.sin(3.0 * centre[:, 1] + rng.uniform(0, 6))
    return centre, rng.uniform(0.085, 0.135, count) * (1.0 if kind is Tree.BROAD else 1.7)


def grow_tree(kind: Tree, size: float, palette: Palette, rng: np.random.Generator) -> Sprite:
    """Paint one tree.

    Args:
        kind: growth form.
        size: height in texels, above 2.
        palette: light and leaf colours.
        rng: for shape and colour.
    """
    fine = max(size * _FINE, 4.0)
    centre, radius = _clusters(kind, rng)
    half = int(np.ceil((np.abs(centre[:, 0]) + radius).max() * fine)) + 3
    rows = int(np.ceil(fine * 1.08)) + 4
    canvas = np.zeros((rows + rows % _FINE, 2 * half + (2 * half) % _FINE, 4), np.float32)
    if kind is not Tree.BUSH:
        _trunk(canvas, half, rows - 2, fine, palette, kind)

    leaf = max(1.6, fine * (0.011 if kind is Tree.SPRUCE else 0.014))
    per = int(np.clip(5.5 * (np.mean(radius) * fine / leaf) ** 2, 14, 520))
    ball = rng.normal(size=(len(centre), per, 3))
    ball /= np.linalg.norm(ball, axis=2, keepdims=True)
    place = centre[:, None] + ball * radius[:, None, None] * rng.uniform(0.55, 1.05, (1, per, 1))
    middle = np.array([0.0, centre[:, 1].mean(), 0.0])
    span = np.abs(centre - middle).max(axis=0) + radius.mean()
    outward = (place - middle) / (span**2 / span.max())
    outward /= np.linalg.norm(outward, axis=2, keepdims=True) + 1e-6
    normal = 0.55 * ball + 0.60 * outward
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    # leaves deep in the crown see less sky; those that face away from the sun get no sunlight
    depth = np.clip(np.linalg.norm((place - middle) / span, axis=2), 0.0, 1.1)
    hollow = np.clip(0.5 + 0.5 * (ball @ np.array([0.0, 0.8, -0.6])), 0.0, 1.0)
    open_sky = (0.30 + 0.70 * depth**1.5) * (0.42 + 0.58 * hollow)
    tone = np.stack(palette.leaves)[rng.integers(0, len(palette.leaves), len(centre))]
    dim = 0.62 if kind is Tree.SPRUCE else 1.0
    albedo = tone[:, None] * dim * rng.uniform(0.72, 1.30, (len(centre), per, 1))
    facing = np.clip(normal @ palette.sun_direction * 0.80 + 0.20, 0.0, 1.0) * open_sky
    light = facing[..., None] * palette.light.sun + open_sky[..., None] * palette.light.ambient
    colour = (albedo * light).astype(np.float32).reshape(-1, 3)

    flat = place.reshape(-1, 3)
    order = np.argsort(-flat[:, 2], kind="stable")  # far leaves first
    column = half + flat[order, 0] * fine
    row = rows - 2 - flat[order, 1] * fine
    _stamp(canvas, column, row, colour[order], leaf, rng)
    return Sprite(_shrink(canvas), half / _FINE, (rows - 2) / _FINE)


def _stamp(
    canvas: Array, column: Array, row: Array, colour: Array, leaf: float, rng: np.random.Generator
) -> None:
    """Draw leaves as small rotated ellipses; later ones cover earlier ones."""
    long = max(2, int(np.ceil(leaf * 2.2)))
    a, b = np.meshgrid(np.linspace(-1, 1, long), np.linspace(-1, 1, long))
    inside = a * a + b * b <= 1.1
    a, b = a[inside] * leaf, b[inside] * leaf * 0.62
    turn = rng.uniform(0, np.pi, len(column))
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x = np.rint(column[:, None] + cos * a - sin * b).astype(np.int64)
    y = np.rint(row[:, None] + sin * a + cos * b).astype(np.int64)
    keep = (x >= 0) & (x < canvas.shape[1]) & (y >= 0) & (y < canvas.shape[0])
    full = np.broadcast_to(colour[:, None], (*x.shape, 3))
    canvas[y[keep], x[keep], :3] = full[keep]
    canvas[y[keep], x[keep], 3] = 1.0


def _trunk(canvas: Array, foot: int, base: int, fine: float, palette: Palette, kind: Tree) -> None:
    """Paint a lit trunk with two boughs."""
    bark = linear(104, 88, 72)
    top = {Tree.BROAD: 0.62, Tree.POPLAR: 0.5, Tree.SPRUCE: 0.8}[kind]
    wide = {Tree.BROAD: 0.026, Tree.POPLAR: 0.016, Tree.SPRUCE: 0.014}[kind] * fine
    for lean, start, stop in ((0.0, 0.0, top), (0.30, 0.28, top), (-0.26, 0.32, top)):
        if kind is not Tree.BROAD and lean:
            continue
        for t in np.linspace(start, stop, max(4, int(fine * (stop - start)))):
            half = max(0.6, wide * (1.25 - t / top) * (0.5 if lean else 1.0) + 0.4)
            middle = foot + lean * (t - start) * fine
            y = round(base - t * fine)
            x = np.arange(max(0, round(middle - half)), min(canvas.shape[1], round(middle + half)))
            if not 0 <= y < canvas.shape[0] or len(x) == 0:
                continue
            side = np.clip((x - middle) / half, -1.0, 1.0)
            normal = np.stack([side, 0 * side, -np.sqrt(1.0 - side**2)], axis=-1)
            canvas[y, x, :3] = palette.shade(bark, normal.astype(np.float32), 0.6)
            canvas[y, x, 3] = 1.0


def _shrink(canvas: Array) -> Array:
    """Average the supersampled canvas to texels."""
    rows, columns = canvas.shape[0] // _FINE, canvas.shape[1] // _FINE
    cut = canvas[: rows * _FINE, : columns * _FINE]
    return cut.reshape(rows, _FINE, columns, _FINE, 4).mean(axis=(1, 3))


@dataclass(frozen=True)
class Blades:
    """Grass blades, stalks or flowers on a canvas; arrays have one entry per blade."""

    x: Array
    """Texel column of the root."""
    y: Array
    """Texel row of the root."""
    length: Array
    """Length in texels."""
    lean: Array
    """Sideways offset of the tip, in lengths."""
    root: Array
    """Colour at the root (n,3), linear."""
    tip: Array
    """Colour at the tip (n,3), linear."""


def paint_blades(canvas: Array, blades: Blades, thickness: Array | float = 1.0) -> None:
    """Draw blades from back (small y) to front, each a bent tapering stroke.

    Args:
        canvas: premultiplied RGBA (H,W,4), changed in place.
        blades: position and shape.
        thickness: width at the root in texels, a number or one per blade.
    """
    order = np.argsort(blades.y, kind="stable")
    longest = float(blades.length.max(initial=1.0))
    t = np.linspace(0.0, 1.0, max(3, int(longest * 1.2)), dtype=np.float32)[None, :]
    wide = np.broadcast_to(np.asarray(thickness, np.float32), blades.x.shape)[order][:, None]
    strands = max(1, int(np.ceil(wide.max(initial=1.0))))
    length = blades.length[order][:, None]
    x = blades.x[order][:, None] + blades.lean[order][:, None] * length * t * t
    y = blades.y[order][:, None] - length * t * (1.0 - 0.15 * np.abs(blades.lean[order][:, None]))
    colour = blades.root[order][:, None] * (1.0 - t[..., None])
    colour = colour + blades.tip[order][:, None] * t[..., None]
    for strand in range(strands):
        offset = strand - (strands - 1) / 2.0
        inside = np.abs(offset) <= 0.5 * wide * (1.0 - 0.8 * t)
        inside |= abs(offset) < 0.3
        column = np.rint(x + offset).astype(np.int64)
        row = np.rint(y).astype(np.int64)
        keep = inside & (column >= 0) & (column < canvas.shape[1])
        keep &= (row >= 0) & (row < canvas.shape[0])
        canvas[row[keep], column[keep], :3] = colour[keep]
        canvas[row[keep], column[keep], 3] = 1.0
