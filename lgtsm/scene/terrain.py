"""Mountains, hills and fields: lit height fields in perspective, faded by haze."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .noise import Array, Noise, mix, smoothstep
from .palette import Field, Palette, Season, linear
from .stage import Stage

_ROW_SAMPLES = 2
"""Rows traced per texel row; their mean antialiases the crests."""


@dataclass(frozen=True)
class Surface:
    """A height field on the view rays of all texel columns, at n depths."""

    x: Array
    """World X (n,w) in metres."""
    z: Array
    """World Z (n,1) in metres."""
    height: Array
    """Height above the ground (n,w) in metres."""


Material = Callable[[Surface, Array], Array]
"""Returns the albedo (n,w,3) of a surface with normals (n,w,3)."""


def _grid(stage: Stage, near: float, far: float, steps: int) -> tuple[Array, Array]:
    """Return world X (n,w) and Z (n,1) of all texel columns at n depths from near to far, in metres."""
    z = np.geomspace(near, far, steps).astype(np.float32)[:, None]
    x = (stage.columns()[None, :] - stage.width / 2.0) * z / np.float32(stage.focal)
    return x.astype(np.float32), z


def _traced(stage: Stage, palette: Palette, surface: Surface, material: Material) -> Array:
    """Render a height field, nearest depth first: (h,w,4), empty above the crests."""
    normal = _normals(stage, surface)
    colour = palette.shade(material(surface, normal), normal, _sunlit(palette, surface))
    colour = palette.hazed(colour, surface.z + 0.0 * surface.x).astype(np.float32)

    steps, columns = surface.height.shape
    rows = stage.canvas[0] * _ROW_SAMPLES
    crest = np.minimum.accumulate(
        stage.horizon + stage.focal * (stage.eye - surface.height) / surface.z, axis=0
    )
    edge = np.ceil((crest + stage.margin_y) * stage.density * _ROW_SAMPLES - 0.5)
    edge = np.clip(edge, 0, rows).astype(np.int64)
    # per row, the steps whose crest is at or above it; the next step is the first that hides it
    counts = np.bincount(
        (edge * columns + np.arange(columns)).ravel(), minlength=(rows + 1) * columns
    )
    above = np.cumsum(counts.reshape(rows + 1, columns)[:rows], axis=0)
    first = steps - above  # (rows,w): first visible step, == steps where nothing is hit
    solid = first < steps
    seen = colour[np.minimum(first, steps - 1), np.arange(columns)[None, :]]
    rgba = np.concatenate([seen, np.ones_like(seen[..., :1])], axis=-1) * solid[..., None]
    return rgba.reshape(-1, _ROW_SAMPLES, columns, 4).mean(axis=1)


def _normals(stage: Stage, surface: Surface) -> Array:
    """Return the unit normals (n,w,3)."""
    pitch = surface.z / np.float32(stage.focal * stage.density)  # metres between columns
    slope_x = np.gradient(surface.height, axis=1) / pitch
    along = np.gradient(surface.height, axis=0) / np.gradient(surface.z, axis=0)
    slope_z = along - slope_x * surface.x / surface.z  # columns diverge, so X changes with Z
    normal = np.stack([-slope_x, np.ones_like(slope_x), -slope_z], axis=-1)
    return (normal / np.linalg.norm(normal, axis=-1, keepdims=True)).astype(np.float32)


def _sunlit(palette: Palette, surface: Surface) -> Array:
    """Return the sunlight (n,w) in 0..1; the sun is nearly lateral, so rows are scanned."""
    direction = palette.sun_direction
    fall = direction[1] / abs(direction[0])
    away = -np.sign(direction[0]) * surface.x
    line = surface.height + away * fall
    if direction[0] > 0:
        peak = np.maximum.accumulate(line[:, ::-1], axis=1)[:, ::-1]
    else:
        peak = np.maximum.accumulate(line, axis=1)
    soft = 0.004 * surface.z
    return smoothstep(2.5 * soft, 0.0, peak - line)


def paint_mountains(stage: Stage, palette: Palette, noise: Noise) -> Array:
    """Paint the far mountain range: premultiplied linear RGBA (h,w,4)."""
    x, z = _grid(stage, 3500.0, 9000.0, int(420 * stage.scale**0.5) + 40)
    u, v = x / 2600.0, z / 2600.0 + 0.0 * x
    bend = noise.fractal(u * 0.9 + 3.0, v * 0.9, 2)
    ridge = noise.ridged(u + 0.18 * bend, v + 0.18 * bend, 8, gain=0.52)
    swell = 0.55 + 0.45 * noise.layer(u * 0.55 + 7.0, v * 0.55)
    ramp = smoothstep(3400.0, 7500.0, z)
    height = 1750.0 * ridge * swell * (0.25 + 0.75 * ramp)

    def material(surface: Surface, normal: Array) -> Array:
        patch = noise.fractal(u * 6.0, v * 6.0, 5)
        green = _woods(palette) * 1.15
        rock = palette.rock * (1.0 + 0.28 * patch)[..., None]
        treeline = 380.0 + 110.0 * patch
        colour = mix(green, rock, smoothstep(treeline - 90.0, treeline + 130.0, surface.height))
        snow = smoothstep(620.0, 900.0, surface.height + 170.0 * patch)
        snow = snow * smoothstep(0.55, 0.80, normal[..., 1])
        return mix(colour, linear(235, 238, 246), snow)

    return _traced(stage, palette, Surface(x, z, height.astype(np.float32)), material)


def paint_hills(stage: Stage, palette: Palette, noise: Noise) -> Array:
    """Paint the wooded hills in the middle distance: premultiplied linear RGBA (h,w,4)."""
    x, z = _grid(stage, 700.0, 2600.0, int(220 * stage.scale**0.5) + 60)
    u, v = x / 620.0, z / 620.0 + 0.0 * x
    base = 0.5 + 0.5 * noise.fractal(u + 5.0, v, 4, gain=0.42)
    ramp = smoothstep(650.0, 2000.0, z)
    ground = 125.0 * base * (0.15 + 0.85 * ramp)
    wood = smoothstep(-0.12, 0.06, noise.fractal(u * 2.1 + 20.0, v * 2.1, 4))
    crowns = np.abs(noise.layer(x / 13.0, z / 17.0 + 0.0 * x, 1))
    crowns = crowns + 0.6 * np.abs(noise.layer(x / 6.0, z / 9.0 + 0.0 * x, 2))
    height = ground + wood * (8.0 + 9.0 * (1.0 - crowns))

    def material(surface: Surface, normal: Array) -> Array:
        tone = noise.fractal(x / 26.0, z / 26.0 + 0.0 * x, 3)
        woods = _woods(palette) * (0.85 + 0.30 * tone)[..., None]
        woods = woods * (1.12 - 0.55 * np.clip(crowns, 0.0, 1.0))[..., None]
        return mix(_parcels(palette, noise, u * 3.0, v * 3.0), woods, wood)

    return _traced(stage, palette, Surface(x, z, height.astype(np.float32)), material)


def paint_fields(stage: Stage, palette: Palette, noise: Noise) -> Array:
    """Paint the rolling patchwork of fields and hedges in front of the hills: premultiplied linear RGBA (h,w,4)."""
    x, z = _grid(stage, 150.0, 700.0, int(240 * stage.scale**0.5) + 60)
    u, v = x / 170.0, z / 170.0 + 0.0 * x
    swell = 0.5 + 0.5 * noise.fractal(u * 0.7 + 31.0, v * 0.7, 3, gain=0.35)
    ground = 19.0 * swell * smoothstep(140.0, 480.0, z)
    hedge_line = np.abs(noise.fractal(u * 1.1 + 60.0, v * 1.1, 2))
    crowns = np.abs(noise.layer(x / 4.5, z / 6.0 + 0.0 * x, 3))
    crowns = crowns + 0.5 * np.abs(noise.layer(x / 2.0, z / 3.0 + 0.0 * x, 4))
    hedge = smoothstep(0.055, 0.03, hedge_line)
    copse = smoothstep(0.62, 0.75, noise.fractal(u * 1.6 + 90.0, v * 1.6, 3))
    tall = np.maximum(hedge * 3.2, copse * 8.0) * smoothstep(190.0, 300.0, z)
    height = ground + tall * (1.15 - 0.7 * np.clip(crowns, 0.0, 1.2))

    def material(surface: Surface, normal: Array) -> Array:
        land = _parcels(palette, noise, u * 1.3, v * 1.3)
        land = land * (1.0 + 0.16 * noise.fractal(x / 7.0, z / 7.0 + 0.0 * x, 3))[..., None]
        woods = _woods(palette) * (1.3 - 0.7 * np.clip(crowns, 0.0, 1.2))[..., None]
        return mix(land, woods, np.maximum(hedge, copse) * smoothstep(190.0, 230.0, z))

    return _traced(stage, palette, Surface(x, z, height.astype(np.float32)), material)


def _woods(palette: Palette) -> Array:
    """Return the mean colour of a forest."""
    if palette.season is Season.AUTUMN:
        return linear(138, 96, 46)
    return linear(62, 88, 44)


def _parcels(palette: Palette, noise: Noise, u: Array, v: Array) -> Array:
    """Return field colours (n,w,3): cells with curved borders, each with its crop."""
    bend = noise.fractal(u * 0.6 + 13.0, v * 0.6, 2)
    cell = np.floor(u + 0.6 * bend) * 7.0 + np.floor(v * 0.8 + 0.5 * bend) * 13.0
    crops = [palette.grass, palette.grass * 0.78, linear(188, 168, 96), linear(150, 156, 76)]
    if palette.field is Field.LAVENDER:
        crops.append(linear(140, 116, 168))
    table = np.stack(crops).astype(np.float32)
    return table[np.mod(cell, len(crops)).astype(np.int64)]
