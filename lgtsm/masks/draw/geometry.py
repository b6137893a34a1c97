"""Shapes of a clip as numpy arrays, and the small geometry that all mask kinds share; no torch.

Coordinates are pixels: x to the right, y down, pixel i covers i to i + 1, (0, 0) is the frame's
upper left corner. Shapes may lie outside the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ARC_POINTS = 7
"""Points of a half circle: coarser shows corners on large figures, finer costs drawing time."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a kind of mask is asked for."""

    num_frames: int
    height: int
    width: int
    target: float
    """Wanted share of hole (0 to 1); a kind chooses its counts by it."""
    speed: float
    """Speed factor; 0 is a still clip."""

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
    """Each (T,K,P,2): K polygons of P corners x, y; a polygon with a NaN is absent."""
    boxes: np.ndarray | None = None
    """(T,M,4): left, top, right, bottom, rounded to pixels; without width or height absent."""


def fold(position: np.ndarray, low: np.ndarray | float, high: np.ndarray | float) -> np.ndarray:
    """Send positions back and forth between two walls.

    Args:
        position: any shape.
        low: first wall.
        high: second wall; where it lies below `low` the middle of both is used.

    Returns:
        Positions within the walls, changing by the same speed as before.
    """
    middle = (np.asarray(low) + high) / 2
    room = np.maximum(np.asarray(high, dtype=np.float64) - low, 0)
    period = np.maximum(2 * room, 1e-9)
    inside = low + room - np.abs((position - low) % period - room)
    return np.where(room > 0, inside, middle)


def capsules(start: np.ndarray, start_radius, end: np.ndarray, end_radius) -> np.ndarray:
    """Make limbs: two half circles joined by straight sides.

    Args:
        start: centres (...,2).
        start_radius: number or (...).
        end: centres (...,2).
        end_radius: number or (...).

    Returns:
        Polygons (...,P,2).
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
    """Points (...,P,2) on circles round centres (...,2)."""
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return centre[..., None, :] + radius[..., None] * circle


def wavy_circle(
    rng: np.random.Generator, times: np.ndarray, *, waviness: float, num_points: int = 48
) -> np.ndarray:
    """Make a smooth closed contour of radius about 1 that changes slowly.

    The radius is 1 plus the harmonics 2 to 5 with random strength, phase and rate of change.

    Args:
        rng: drawn from.
        times: (T,) in frames.
        waviness: strength of the harmonics; 0 is a circle, 0.5 and less stays free of crossings.
        num_points: corners of the polygon.

    Returns:
        Polygon (T,P,2) round (0, 0).
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
    """Turn centres (...,2) and sizes (...,2) into boxes (...,4) with whole-pixel corners."""
    size = np.maximum(np.round(size), 1)
    corner = np.round(centre - size / 2)
    return np.concatenate([corner, corner + size], axis=-1)
