"""Silhouettes that walk, deform and drift: the OBJECT kind; no torch.

A figure is drawn around (0, 0) in units of its own size, where its area is known, so that it can be
scaled to a target coverage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType

import numpy as np

from .geometry import Geometry, Scene, capsules, fold, wavy_circle

STEP_FRAMES = (18, 36)
"""Range of the frames per gait cycle."""
SPEED_RATIO = (0.003, 0.025)
"""Range of the speed per frame over the frame's shorter side."""
PAIR_CHANCE = 0.3
"""Probability of a second object."""
PAIR_TARGET = 0.25
"""Target coverage from which on there is one object, as two would overlap."""


class Figure(Enum):
    """Appearance of a silhouette."""

    PERSON = "person"
    ANIMAL = "animal"
    BLOB = "blob"


def objects(scene: Scene, amount: float, rng: np.random.Generator) -> Geometry:
    """Lay out one or two moving silhouettes."""
    num_objects = 1 + int(rng.random() < PAIR_CHANCE and scene.target < PAIR_TARGET)
    fractions = rng.dirichlet([6.0] * num_objects)
    kinds = rng.choice(3, num_objects, p=[0.4, 0.25, 0.35])
    polygons: list[np.ndarray] = []
    for fraction, kind in zip(fractions, kinds, strict=True):
        polygons += _placed_figure(scene, amount * fraction, list(Figure)[kind], rng)
    return Geometry(tuple(polygons))


def _placed_figure(
    scene: Scene, amount: float, figure: Figure, rng: np.random.Generator
) -> list[np.ndarray]:
    """Scale one figure to its coverage and move it along its path."""
    make, unit_area, slope = FIGURES[figure]
    size = np.sqrt(amount * scene.area / unit_area)
    angle = rng.uniform(-slope, slope) + rng.choice([0.0, np.pi])
    velocity = np.array([np.cos(angle), np.sin(angle)])
    velocity *= rng.uniform(*SPEED_RATIO) * scene.short_side
    # small figures may leave the frame by half; large ones must stay to keep their coverage
    margin = np.clip(0.7 * scene.target - 0.08, -0.08, 0.3)
    low, high = margin * scene.size, (1 - margin) * scene.size
    start = rng.uniform(0.15, 0.85, 2) * scene.size
    times = scene.times
    path = fold(start + velocity * times[:, None], low, high)  # (T,2)
    sway = rng.uniform(0.005, 0.02) * size * np.sin(times * rng.uniform(0.2, 0.5))
    path[:, 1] += sway
    heading = np.where(_moves_up(start[0], velocity[0], times, low[0], high[0]), 1.0, -1.0)
    mirror = np.stack([heading, np.ones_like(heading)], -1)[:, None, None]  # (T,1,1,2)
    return [part * mirror * size + path[:, None, None] for part in make(times, rng)]


def _moves_up(start: float, speed: float, times: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return for each time (T,) whether a path reflected between two walls is increasing."""
    ahead = fold(start + speed * times + 1e-3 * speed, low, high)
    return ahead >= fold(start + speed * times, low, high)


def _person(times: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Return a person of height 1, walking to the right."""
    stout = rng.uniform(0.9, 1.35)
    phase = rng.uniform(0, 2 * np.pi) + times * 2 * np.pi / rng.uniform(*STEP_FRAMES)
    stride = rng.uniform(0.25, 0.5)
    lean = rng.uniform(-0.02, 0.05)
    hip, shoulder = (0.0, 0.02), (lean, -0.27)
    limbs = []
    for side in (0.0, np.pi):
        swing = stride * np.sin(phase + side)
        bend = 0.7 * stride * (1 + np.cos(phase + side))
        limbs += _leg(hip, swing, bend, lengths=(0.23, 0.21), radii=(0.065 * stout, 0.05, 0.036))
        limbs += _leg(
            shoulder, -0.9 * swing, -bend - 0.15, lengths=(0.16, 0.15), radii=(0.045, 0.038, 0.03)
        )
    torso = wavy_circle(rng, times, waviness=0.12)
    torso = torso * (0.115 * stout, 0.19) + (lean / 2, -0.15)
    skull = wavy_circle(rng, times, waviness=0.1, num_points=20)
    head = skull * (0.068, 0.085) + (lean * 1.6 + 0.01, -0.42)
    neck = _limb(np.full_like(times, lean), -0.38, lean, -0.3, 0.045, 0.06)
    return [*limbs, neck, torso[:, None], head[:, None]]


def _animal(times: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Return a four-legged animal of length about 1, walking to the right."""
    leg = rng.uniform(0.13, 0.22)
    thick = rng.uniform(0.8, 1.25)
    phase = rng.uniform(0, 2 * np.pi) + times * 2 * np.pi / rng.uniform(*STEP_FRAMES)
    parts = []
    for x, offset in ((-0.27, 0.0), (-0.22, np.pi), (0.2, np.pi / 2), (0.25, 3 * np.pi / 2)):
        swing = 0.4 * np.sin(phase + offset)
        bend = 0.3 * (1 + np.cos(phase + offset))
        radii = (0.065 * thick, 0.042, 0.03)
        parts += _leg((x, 0.03), swing, bend, lengths=(leg, leg), radii=radii)
    body = wavy_circle(rng, times, waviness=0.15) * (0.37, 0.155 * thick) + (0.0, -0.04)
    nod = 0.02 * np.sin(phase)
    head_x, head_y = rng.uniform(0.42, 0.5), rng.uniform(-0.32, -0.16)
    neck = _limb(np.full_like(times, 0.28), -0.08, head_x, head_y + nod, 0.11 * thick, 0.075)
    snout = _limb(
        np.full_like(times, head_x), head_y + nod, head_x + 0.13, head_y + 0.04 + nod, 0.08, 0.045
    )
    ear = _limb(
        np.full_like(times, head_x - 0.03), head_y + nod - 0.05, head_x - 0.06, head_y - 0.13, 0.03,
        0.012,
    )  # fmt: skip
    tail_y = rng.uniform(-0.25, 0.15) + 0.05 * np.sin(2 * phase)
    tail = _limb(np.full_like(times, -0.34), -0.08, -0.55, tail_y, 0.035, 0.018)
    return [*parts, neck, snout, ear, tail, body[:, None]]


def _blob(times: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Return a smooth blob of radius about 1/2, stretched and slowly rotating."""
    contour = wavy_circle(rng, times, waviness=rng.uniform(0.2, 0.5)) * 0.5
    stretch = np.exp(rng.uniform(0, 0.45))
    contour = contour * (stretch, 1 / stretch)
    angle = rng.uniform(0, np.pi) + times * rng.uniform(-0.03, 0.03)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y = contour[..., 0], contour[..., 1]
    return [np.stack([cos * x - sin * y, sin * x + cos * y], -1)[:, None]]


def _leg(
    root: tuple[float, float],
    swing: np.ndarray,
    bend: np.ndarray,
    *,
    lengths: tuple[float, float],
    radii: tuple[float, float, float],
) -> list[np.ndarray]:
    """Return two limb segments (T,1,P,2) hanging from a root; angles (T,) from straight down."""
    upper, lower = lengths
    knee_x = root[0] + upper * np.sin(swing)
    knee_y = root[1] + upper * np.cos(swing)
    foot_x = knee_x + lower * np.sin(swing - bend)
    foot_y = knee_y + lower * np.cos(swing - bend)
    return [
        _limb(np.full_like(swing, root[0]), root[1], knee_x, knee_y, radii[0], radii[1]),
        _limb(knee_x, knee_y, foot_x, foot_y, radii[1], radii[2]),
    ]


def _limb(x0, y0, x1, y1, start_radius: float, end_radius: float) -> np.ndarray:
    """Return one capsule (T,1,P,2) from coordinates that are numbers or (T,)."""
    x0, y0, x1, y1 = np.broadcast_arrays(x0, y0, x1, y1)
    start, end = np.stack([x0, y0], -1)[:, None], np.stack([x1, y1], -1)[:, None]
    return capsules(start, start_radius, end, end_radius)


FIGURES: Mapping[Figure, tuple[Callable[..., list[np.ndarray]], float, float]] = MappingProxyType(
    {
        Figure.PERSON: (_person, 0.18, 0.15),
        Figure.ANIMAL: (_animal, 0.40, 0.2),
        Figure.BLOB: (_blob, 0.80, np.pi / 2),
    }
)
"""Per figure: its constructor, its area at size 1 (measured over 50 draws), and the largest angle of its
path to the horizontal in radians."""
