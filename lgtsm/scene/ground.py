"""The near ground: meadow or crops, a winding path and the vehicle's lane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .foliage import Blades, paint_blades
from .noise import Array, Noise, mix, smoothstep
from .palette import Field, Palette, linear
from .stage import Stage


@dataclass(frozen=True)
class Plot:
    """Layout of the ground."""

    path_x: float
    """Position at which the winding path leaves the lane, metres from the middle."""
    path_bend: float
    """How far the path swings sideways, metres."""
    lane_half: float
    """Half the width of the lane, metres."""
    paved: bool
    """Asphalt rather than gravel."""
    shades: tuple[tuple[float, float, float, float], ...]
    """Casters of static shadows: X, Z of the foot, height and half width, metres."""


def _path_centre(plot: Plot, z: Array) -> Array:
    """Return the X of the winding path at distances in metres."""
    far = np.clip((z - 16.0) / 110.0, 0.0, None)
    return plot.path_x + plot.path_bend * np.sin(2.6 * far**0.8) * (1.0 + 3.0 * far)


def paint_ground(stage: Stage, palette: Palette, noise: Noise, plot: Plot) -> Array:
    """Paint the flat ground: premultiplied linear RGBA (h,w,4), empty above the horizon."""
    rows = stage.rows()
    fall = np.maximum(rows - stage.horizon, 0.25)[:, None]
    z = np.minimum(stage.focal * stage.eye / fall, 900.0).astype(np.float32)
    x = ((stage.columns()[None, :] - stage.width / 2.0) * z / stage.focal).astype(np.float32)
    z = z + 0.0 * x
    pixel = z / np.float32(stage.focal)  # metres per output pixel across
    deep = pixel * z / np.float32(stage.eye)  # and along the view

    colour = _field_colour(palette, noise, x, z, np.sqrt(pixel * deep))
    verge = _verge(noise, x, z)
    colour = mix(colour, palette.grass * (0.92 + 0.2 * verge[0])[..., None], verge[1])
    path = smoothstep(1.25, 0.85, np.abs(x - _path_centre(plot, z)) + 0.25 * verge[0])
    path = path * smoothstep(stage.lane + 0.5, stage.lane + 1.5, z)
    lane_off = np.abs(z - stage.lane) + 0.22 * verge[0]
    lane = smoothstep(plot.lane_half + 0.15, plot.lane_half - 0.12, lane_off)
    colour = mix(colour, _gravel(noise, x, z, pixel), path)
    colour = mix(colour, _lane_colour(noise, plot, stage.lane, x, z, pixel), lane)

    rgba = np.concatenate([colour, np.ones_like(colour[..., :1])], axis=-1).astype(np.float32)
    bare = np.clip(path + lane, 0.0, 1.0)
    _grow(rgba, stage, palette, noise, plot, bare)
    up = np.broadcast_to(np.array([0.0, 1.0, 0.0], np.float32), (*rgba.shape[:2], 3))
    bump = 1.0 + 0.10 * noise.fractal(x / 9.0, z / 9.0, 3)
    lit = palette.shade(rgba[..., :3], up, _shadows(stage, palette, noise, plot, x, z))
    rgba[..., :3] = palette.hazed(lit * bump[..., None], z * 2.0)
    inside = smoothstep(stage.horizon - 0.2, stage.horizon + 0.8, rows)[:, None, None]
    return rgba * inside


def _field_colour(palette: Palette, noise: Noise, x: Array, z: Array, size: Array) -> Array:
    """Return the albedo of the vegetation (h,w,3)."""
    broad = noise.fractal(x / 11.0, z / 14.0, 5, footprint=size / 11.0)
    fine = noise.fractal(x / 0.5, z / 0.5, 4, footprint=size / 0.5)
    if palette.field is Field.LAVENDER:
        turn = x + 0.12 * z  # rows converge left or right of the middle
        stripe = 0.5 + 0.5 * np.cos(2.0 * np.pi * turn / 1.7)
        sharp = np.clip(1.0 - 2.2 * (size / 1.7), 0.0, 1.0)
        crop = smoothstep(0.22, 0.6, stripe + 0.25 * fine) * sharp + 0.62 * (1.0 - sharp)
        soil = palette.grass * 0.75 + linear(150, 120, 90) * 0.2
        bloom = linear(126, 96, 172) * (1.0 + 0.30 * fine + 0.2 * broad)[..., None]
        return mix(soil * (1.0 + 0.3 * fine)[..., None], bloom, crop)
    base = linear(206, 176, 98) if palette.field is Field.WHEAT else palette.grass
    other = linear(176, 150, 84) if palette.field is Field.WHEAT else linear(148, 150, 72)
    colour = mix(base, other, smoothstep(-0.6, 0.9, broad))
    return colour * (1.0 + 0.26 * fine + 0.10 * broad)[..., None]


def _verge(noise: Noise, x: Array, z: Array) -> tuple[Array, Array]:
    """Return a ragged field (h,w) and the weight of plain grass near the lane (h,w)."""
    ragged = noise.fractal(x / 0.9, z / 0.9, 4)
    return ragged, smoothstep(23.0, 19.0, z + 1.2 * ragged)


def _gravel(noise: Noise, x: Array, z: Array, pixel: Array) -> Array:
    """Return the albedo of pale trodden earth (h,w,3)."""
    grit = noise.fractal(x / 0.12, z / 0.12, 3, gain=0.8, footprint=pixel / 0.12)
    worn = noise.fractal(x / 1.6, z / 1.6, 4)
    return linear(186, 164, 132) * (1.0 + 0.14 * grit + 0.12 * worn)[..., None]


def _lane_colour(
    noise: Noise, plot: Plot, middle: float, x: Array, z: Array, pixel: Array
) -> Array:
    """Return the lane's albedo (h,w,3): asphalt with worn lines, or gravel with a grassy crown."""
    across = (z - middle) / plot.lane_half  # -1 near edge, 1 far edge
    worn = noise.fractal(x / 2.4, z / 0.8, 5)
    track = np.exp(-(((np.abs(across) - 0.48) / 0.17) ** 2))
    if not plot.paved:
        earth = _gravel(noise, x, z, pixel) * (1.0 + 0.10 * track)[..., None]
        tuft = noise.fractal(x / 0.3, z / 0.3, 4, footprint=pixel / 0.3)
        crown = smoothstep(0.26, 0.10, np.abs(across) + 0.10 * worn) * smoothstep(-0.5, 0.3, tuft)
        return mix(earth, linear(122, 130, 66), 0.8 * crown)
    grit = noise.fractal(x / 0.07, z / 0.09, 2, gain=0.9, footprint=pixel / 0.07)
    tone = 1.0 + 0.14 * grit + 0.12 * worn - 0.10 * track
    colour = linear(116, 114, 114) * tone[..., None]
    crack = smoothstep(0.035, 0.012, np.abs(noise.fractal(x / 3.1, z / 3.1, 3)))
    colour = colour * (1.0 - 0.32 * crack)[..., None]
    edge = smoothstep(0.035, 0.02, np.abs(np.abs(across) - 0.88))
    dash = smoothstep(0.032, 0.018, np.abs(across)) * (np.mod(x, 6.0) < 3.0)
    paint = np.maximum(edge, dash) * smoothstep(-1.3, -0.1, worn + 0.5 * grit)
    return mix(colour, linear(226, 222, 208), 0.80 * paint)


def _shadows(stage: Stage, palette: Palette, noise: Noise, plot: Plot, x: Array, z: Array) -> Array:
    """Return the sunlight on the ground (h,w) in 0..1, dappled in the shadow of trees."""
    sun = palette.sun_direction
    along_x, along_z = -sun[0] / sun[1], -sun[2] / sun[1]
    leaf = 0.28 * noise.fractal(x / 0.8, z / 1.1, 3)
    light = np.ones_like(x)
    for foot_x, foot_z, height, half in plot.shades:
        reach = height * 0.95
        t = np.clip((x - foot_x) / (along_x * reach), 0.0, 1.0)
        off = np.hypot(
            x - foot_x - along_x * reach * t, (z - foot_z - along_z * reach * t) * 0.9
        ) / (half * (0.75 + 0.35 * np.sin(np.pi * t)))
        light *= 1.0 - 0.92 * smoothstep(1.12, 0.72, off + leaf)
    return np.maximum(light, 0.04)


def _grow(
    rgba: Array, stage: Stage, palette: Palette, noise: Noise, plot: Plot, bare: Array
) -> None:
    """Draw blades of grass, ears or blossoms on the ground up to 70 m away (albedo only)."""
    rng = np.random.default_rng(int(noise.layer(np.zeros(1), np.zeros(1))[0] * 1e6) % 2**31)
    area = rgba.shape[0] * rgba.shape[1]
    count = int(area * 0.085)
    top = stage.ground_row(70.0)
    rows = top + (stage.height + stage.margin_y - top) * rng.random(count) ** 0.8
    columns = rng.uniform(-stage.margin_x, stage.width + stage.margin_x, count)
    texel_x, texel_y = stage.to_texel(columns, rows)
    row = np.clip(texel_y.astype(np.int64), 0, rgba.shape[0] - 1)
    column = np.clip(texel_x.astype(np.int64), 0, rgba.shape[1] - 1)
    z = stage.focal * stage.eye / (rows - stage.horizon)
    tall = np.where(z > 21.0, 0.42 if palette.field is not Field.MEADOW else 0.24, 0.17)
    length = tall * rng.uniform(0.4, 1.25, count) * stage.focal / z * stage.density
    grows = (bare[row, column] < rng.uniform(0.15, 0.5, count)) & (length > 0.7)
    under = rgba[row, column, :3]
    jitter = rng.uniform(0.62, 1.42, (count, 1))
    tip = under * jitter * np.array([1.10, 1.08, 0.92])
    near = z < 21.0
    bloom = near & (rng.random(count) < 0.028) & (noise.layer(columns / 40.0, rows / 9.0) > -0.2)
    colours = np.stack([linear(244, 240, 226), linear(240, 204, 70), linear(206, 54, 40)])
    tip = np.where(bloom[:, None], colours[rng.integers(0, 3, count)], tip)
    paint_blades(
        rgba,
        Blades(
            x=texel_x[grows],
            y=texel_y[grows],
            length=np.clip(length[grows], 1.0, 60.0),
            lean=rng.normal(0.1, 0.35, count)[grows],
            root=(under * 0.62 * jitter**0.5)[grows],
            tip=tip[grows],
        ),
    )
