"""The sky: a gradient, the sun's glow and clouds on a plane that extends to the horizon."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from .noise import Array, Noise, mix, smoothstep
from .palette import Palette
from .stage import Stage


def paint_sky(stage: Stage, palette: Palette, noise: Noise) -> Array:
    """Paint the sky: premultiplied linear RGBA (h,w,4), opaque everywhere."""
    step = stage.density  # clouds are soft: one sample per output pixel is enough
    x = stage.columns()[step // 2 :: step][None, :]
    y = stage.rows()[step // 2 :: step][:, None]
    light = palette.light
    rise = np.clip((stage.horizon - y) / stage.focal, 0.0, None) + 0.0 * x
    side = (x - stage.width / 2.0) / stage.focal + 0.0 * y

    colour = mix(light.low_sky, light.zenith, smoothstep(-0.04, 0.27, rise) ** 0.8)
    sun_x = 0.62 * np.sign(palette.sun_direction[0])
    glow = np.exp(-((side - sun_x) ** 2) / 0.22 - (rise - 0.06) ** 2 / 0.02)
    colour = colour + (0.34 * glow)[..., None] * light.sun * np.float32(0.55)

    colour = _clouds(colour, rise, side, palette, noise)
    rgba = np.concatenate([colour, np.ones_like(colour[..., :1])], axis=-1)
    full = F.interpolate(
        torch.from_numpy(rgba.astype(np.float32)).permute(2, 0, 1)[None],  # (1,4,h,w)
        size=stage.canvas,
        mode="bilinear",
        align_corners=False,
    )
    return full[0].permute(1, 2, 0).numpy()


def _clouds(colour: Array, rise: Array, side: Array, palette: Palette, noise: Noise) -> Array:
    """Composite cumulus and high wisps over the sky colours (h,w,3)."""
    light = palette.light
    reach = 1.0 / (rise + 0.16)
    u, v = side * reach, reach * np.float32(0.85)
    bend = noise.fractal(u * 1.1 + 9.0, v * 1.1, 3)
    size = np.float32(1.35)
    lift = np.float32(0.9 - 1.7 * light.clouds)

    def thickness(du: float, dv: float) -> Array:
        field = noise.fractal(
            (u + du) * size + 0.22 * bend, (v + dv) * size + 0.22 * bend, 8, gain=0.58,
            footprint=0.003 * reach,
        )  # fmt: skip
        return smoothstep(lift, lift + 0.8, field)

    here = thickness(0.0, 0.0)
    toward = float(np.sign(palette.sun_direction[0]))
    lit = np.clip(0.62 + 1.15 * (here - thickness(0.14 * toward, -0.10)), 0.0, 1.25)
    bright = (light.sun * 0.30 + light.low_sky * 0.52).astype(np.float32)
    dark = (light.zenith * 0.40 + light.haze * 0.42).astype(np.float32)
    body = mix(dark, bright, np.clip(lit, 0.0, 1.0) * (1.0 - 0.25 * here))
    body = mix(body, light.low_sky, 1.0 - smoothstep(0.0, 0.09, rise))
    cover = np.clip(here * 1.25, 0.0, 1.0) * smoothstep(0.004, 0.06, rise) * 0.95

    wisps = noise.fractal(u * 0.5 + 40.0, v * 2.2, 6, gain=0.6, footprint=0.003 * reach)
    veil = smoothstep(0.1, 1.2, wisps) * 0.40 * smoothstep(0.02, 0.16, rise)
    colour = mix(colour, (bright * 0.95).astype(np.float32), veil)
    return mix(colour, body, cover)
