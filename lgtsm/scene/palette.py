"""Light and colours of one shot: time of day, season and vegetation, chosen by the seed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

import numpy as np

from .noise import Array


def linear(red: int, green: int, blue: int) -> Array:
    """Convert a display colour (0 to 255 each) to linear light (0 to 1), (3,)."""
    return (np.array([red, green, blue], np.float32) / np.float32(255.0)) ** np.float32(2.2)


class Hour(Enum):
    """Time of day."""

    EVENING = "evening"
    DAY = "day"
    MORNING = "morning"


class Field(Enum):
    """What grows beyond the lane."""

    MEADOW = "meadow"
    WHEAT = "wheat"
    LAVENDER = "lavender"


class Season(Enum):
    """Colour of the leaves."""

    SUMMER = "summer"
    AUTUMN = "autumn"


@dataclass(frozen=True)
class Light:
    """Sun, sky and air, in linear light."""

    zenith: Array
    """Sky colour overhead."""
    low_sky: Array
    """Sky colour at the horizon."""
    haze: Array
    """Colour of distant objects."""
    haze_length: float
    """Distance in metres at which haze makes up 63 % of a colour."""
    sun: Array
    """Sunlight on a surface facing the sun."""
    ambient: Array
    """Light from the sky on every surface."""
    elevation: float
    """Sun height above the horizon, radians."""
    clouds: float
    """Cloud cover, 0 to 1."""


@dataclass(frozen=True)
class Palette:
    """Light, season and colours of a shot."""

    light: Light
    hour: Hour
    season: Season
    field: Field
    sun_direction: Array
    """Unit vector to the sun, world axes (3,)."""
    leaves: tuple[Array, ...]
    """Leaf colours, linear."""
    grass: Array
    """Grass colour, linear."""
    rock: Array
    """Rock colour, linear."""

    def shade(self, albedo: Array, normal: Array, shadow: Array | float = 1.0) -> Array:
        """Light a matte surface.

        Args:
            albedo: surface colours (...,3).
            normal: unit normals (...,3), world axes.
            shadow: 1 where the sun shines, 0 in full shadow, shape (...) or a number.

        Returns:
            Linear colours (...,3).
        """
        facing = np.clip(normal @ self.sun_direction, 0.0, 1.0) * shadow
        open_sky = 0.62 + 0.38 * normal[..., 1]
        return albedo * (
            facing[..., None] * self.light.sun + open_sky[..., None] * self.light.ambient
        )

    def hazed(self, colour: Array, distance: Array) -> Array:
        """Fade colours (...,3) into haze by distance (...) in metres."""
        veil = 1.0 - np.exp(-np.asarray(distance, np.float32) / self.light.haze_length)
        return colour + (self.light.haze - colour) * veil[..., None]


_LIGHTS = MappingProxyType(
    {
        Hour.EVENING: Light(
            zenith=linear(66, 112, 168),
            low_sky=linear(255, 206, 152),
            haze=linear(226, 180, 158),
            haze_length=7000.0,
            sun=np.array([2.35, 1.62, 0.88], np.float32),
            ambient=np.array([0.36, 0.42, 0.58], np.float32),
            elevation=0.36,
            clouds=0.50,
        ),
        Hour.DAY: Light(
            zenith=linear(44, 104, 186),
            low_sky=linear(190, 217, 238),
            haze=linear(172, 196, 222),
            haze_length=8500.0,
            sun=np.array([1.95, 1.80, 1.48], np.float32),
            ambient=np.array([0.40, 0.48, 0.62], np.float32),
            elevation=0.62,
            clouds=0.56,
        ),
        Hour.MORNING: Light(
            zenith=linear(98, 142, 188),
            low_sky=linear(250, 226, 204),
            haze=linear(214, 204, 206),
            haze_length=3600.0,
            sun=np.array([2.10, 1.62, 1.12], np.float32),
            ambient=np.array([0.42, 0.46, 0.56], np.float32),
            elevation=0.40,
            clouds=0.42,
        ),
    }
)

_LEAVES = MappingProxyType(
    {
        Season.SUMMER: (linear(88, 118, 48), linear(68, 104, 46), linear(112, 132, 52)),
        Season.AUTUMN: (linear(190, 116, 40), linear(164, 78, 36), linear(200, 152, 58)),
    }
)
_GRASS = MappingProxyType(
    {Season.SUMMER: linear(112, 136, 58), Season.AUTUMN: linear(140, 134, 66)}
)


def choose_palette(rng: np.random.Generator, sun_side: float) -> Palette:
    """Choose light, season and vegetation at random; `sun_side`: -1 for a sun on the left, 1 right."""
    hour = tuple(Hour)[rng.integers(3)]
    field = tuple(Field)[rng.integers(3)]
    season = Season.AUTUMN if rng.random() < 0.3 and field is not Field.LAVENDER else Season.SUMMER
    light = _LIGHTS[hour]
    ahead = rng.uniform(-0.25, 0.05)
    side = sun_side * np.cos(light.elevation) * np.sqrt(1.0 - ahead * ahead)
    direction = np.array(
        [side, np.sin(light.elevation), ahead * np.cos(light.elevation)], np.float32
    )
    return Palette(
        light=light,
        hour=hour,
        season=season,
        field=field,
        sun_direction=direction / np.linalg.norm(direction),
        leaves=_LEAVES[season],
        grass=_GRASS[season],
        rock=linear(132, 122, 112),
    )
