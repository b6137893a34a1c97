"""Shapes of a clip as numpy arrays, and the geometry that all mask kinds share; no torch.

Coordinates are pixels: x to the right, y down, pixel i covers i to i + 1, (0, 0) is the frame's top
left corner. Shapes may extend beyond the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ARC_POINTS = 7
"""Vertices of a half circle: fewer show corners on large figures, more cost time; set by hand."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Requested size, coverage and motion of a mask clip."""

    num_frames: int
    height: int
    width: int
    target: float
    """Target hole ratio (0 to 1), by which a kind chooses its numbers of shapes."""
    speed: float
    """Speed factor; 0: a static clip."""

    @property
    def times(self) -> np.ndarray:
        """Time of each frame (T,), in frames at speed 1."""
        return np.arange(self.num_frames) * self.speed

    @property
    def area(self) -> int:
        """Pixels of a frame."""
        return self.height * self.width

    @property
    def short_side(self) -> int:
        """The shorter side in pixels."""
        return min(self.height, self.width)

    @property
    def size(self) -> np.ndarray:
        """Width and height (2,), in the order of x and y."""
        return np.array([self.width, self.height], dtype=np.float64)


@dataclass(frozen=True)
class Geometry:
    """Filled shapes of every frame."""

    polygons: tuple[np.ndarray, ...] = ()
    """Each (T,K,P,2): K polygons of P vertices x, y; one with a NaN is absent."""
    boxes: np.ndarray | None = None
    """(T,M,4): left, top, right, bottom, rounded to pixels; an empty box is absent."""


def fold(position: np.ndarray, low: np.ndarray | float, high: np.ndarray | float) -> np.ndarray:
    """Reflect positions between two walls, at unchanged speed.

    Args:
        position: any shape.
        low: lower wall.
        high: upper wall; where it is below `low`, the result is the middle of both.
    """
    middle = (np.asarray(low) + high) / 2
    room = np.maximum(np.asarray(high, dtype=np.float64) - low, 0)
    period = np.maximum(2 * room, 1e-9)
    inside = low + room - np.abs((position - low) % period - room)
    return np.where(room > 0, inside, middle)


def capsules(start: np.ndarray, start_radius, end: np.ndarray, end_radius) -> np.ndarray:
    """Return capsules: two half circles joined by straight sides, as polygons (...,P,2).

    Args:
        start: centres (...,2).
        start_radius: number or (...).
        end: centres (...,2).
        end_radius: number or (...).
    """
    along = end - start
    angle = np.arctan2(along[..., 1], along[..., 0])[..., None]
    arc = np.linspace(-np.pi / 2, np.pi / 2, ARC_POINTS)
    start_radius = np.asarray(start_radius, dtype=np.float64)[..., None]
    end_radius = np.asarray(end_radius, dtype=np.float64)[..., None]
    return np.concatenate(
        [
            _arc(end, end_radius, angle + arc),
            _arc(start, start_radius, angle + np.pi + arc),
        ],
        axis=-2,
    )  # (...,2*ARC_POINTS,2)


def _arc(centre: np.ndarray, radius: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Return points (...,P,2) on circles around centres (...,2)."""
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return centre[..., None, :] + radius[..., None] * circle


def wavy_circle(
    rng: np.random.Generator, times: np.ndarray, *, waviness: float, num_points: int = 48
) -> np.ndarray:
    """Return a smooth closed contour of radius about 1 that changes slowly: (T,P,2) around (0, 0).

    The radius is 1 plus the harmonics 2 to 5 with random strength, phase and rate of change.

    Args:
        rng: random generator.
        times: (T,) in frames.
        waviness: strength of the harmonics; 0: a circle; up to 0.5 the contour does not cross itself.
        num_points: vertices of the polygon.
    """
    angles = np.linspace(0, 2 * np.pi, num_points, endpoint=False)
    orders = np.arange(2, 6)
    strength = waviness * rng.uniform(0.4, 1.0, 4) / orders
    phase = rng.uniform(0, 2 * np.pi, 4)
    rate = rng.uniform(-0.12, 0.12, 4)
    turn = orders * angles[:, None] + phase + rate * times[:, None, None]  # (T,P,4)
    radius = 1 + (strength * np.cos(turn)).sum(-1)
    return radius[..., None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def box_corners(centre: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return boxes (...,4) of whole pixels from centres (...,2) and sizes (...,2)."""
    size = np.maximum(np.round(size), 1)
    corner = np.round(centre - size / 2)
    return np.concatenate([corner, corner + size], axis=-1)
