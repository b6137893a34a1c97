"""Kinds of masks as data, each with the function that lays out its shapes; no torch.

A layout is a function (scene, amount, rng) -> Geometry. `amount` is the approximate fraction of the frame
to cover; `raster` varies it with an equal generator to meet a target. The random draws must not depend on
`amount`, so that only the size changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

import numpy as np

from .figures import objects
from .geometry import Geometry, Scene, box_corners, capsules, fold
from .lettering import logo, text_band

THINNEST_PX = 3.0
"""Least mean thickness of a stroke; set by hand."""
SCRATCH_PARTS = 6
"""Straight pieces of a scratch, which let it lean and bend."""


class Kind(Enum):
    """Appearance of a drawn mask."""

    BOX = "box"
    """One moving rectangle that bounces off the frame's edges."""
    LOGO = "logo"
    """A static logo in a corner."""
    TEXT_BAND = "text_band"
    """Rows of letters at the bottom, changing over time."""
    SCRATCHES = "scratches"
    """Thin near-vertical lines and specks of dust, as on old film."""
    BORDER = "border"
    """One to four sides of the frame, as for outpainting."""
    OBJECT = "object"
    """Silhouettes of people, animals or lumps that move."""
    STROKES = "strokes"
    """Smooth thick curves that drift and bend."""


def box(scene: Scene, amount: float, rng: np.random.Generator) -> Geometry:
    """Move one rectangle along a straight path that bounces off the edges."""
    aspect = np.exp(rng.uniform(-0.6, 0.6))
    size = scene.size * np.sqrt(amount * np.array([aspect, 1 / aspect]))
    size = np.minimum(size, scene.size)
    size = np.minimum(amount * scene.area / size[::-1], scene.size)
    angle = rng.uniform(0, 2 * np.pi)
    velocity = np.array([np.cos(angle), np.sin(angle)])
    velocity *= rng.uniform(0.004, 0.03) * scene.short_side
    place = rng.random(2)
    room = scene.size - size
    path = fold(place * room + velocity * scene.times[:, None], 0.0, room) + size / 2
    return Geometry(boxes=box_corners(path, size)[:, None])


def border(scene: Scene, amount: float, rng: np.random.Generator) -> Geometry:
    """Cover some sides of the frame, statically; boxes of the left, top, right and bottom side."""
    sides = np.array(
        [[1, 1, 1, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    )[rng.choice(6, p=[0.35, 0.25, 0.15, 0.1, 0.1, 0.05])]
    weights = sides * rng.uniform(0.6, 1.4, 4)
    across, down = weights[0] + weights[2], weights[1] + weights[3]
    # the known fraction (1 - k a)(1 - k d) = 1 - amount, solved for the smaller k
    total, product = across + down, across * down
    if product > 0:
        k = (total - np.sqrt(max(total**2 - 4 * product * amount, 0.0))) / (2 * product)
    else:
        k = amount / total
    columns = np.minimum(np.round(np.cumsum(k * weights[[0, 2]]) * scene.width), scene.width)
    rows = np.minimum(np.round(np.cumsum(k * weights[[1, 3]]) * scene.height), scene.height)
    left, right = columns[0], columns[1] - columns[0]
    top, low = rows[0], rows[1] - rows[0]
    width, height = scene.width, scene.height
    boxes = np.array(
        [
            [0, 0, left, height],
            [0, 0, width, top],
            [width - right, 0, width, height],
            [0, height - low, width, height],
        ],
        dtype=np.float64,
    )
    return Geometry(boxes=np.repeat(boxes[None], scene.num_frames, axis=0))


def scratches(scene: Scene, amount: float, rng: np.random.Generator) -> Geometry:
    """Draw thin near-vertical lines that last some frames, and dust that lasts one."""
    dust_share = rng.uniform(0.1, 0.3)
    lines = _scratch_lines(scene, amount * (1 - dust_share), rng)
    return Geometry((_dust(scene, amount * dust_share, rng),), lines)


def _scratch_lines(scene: Scene, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Return boxes (T,M,4) of as many lines as reach the amount."""
    thickest = 1 + scene.short_side / 100
    mean_area = 0.5 * (1 + thickest) * 0.6 * scene.height
    num_lines = int(np.ceil(3 * scene.target * scene.area / mean_area)) + 4
    life = rng.uniform(3, 16, num_lines)
    turn = ((scene.times[:, None] + rng.uniform(0, life)) // life).astype(int)  # (T,N)
    shape = (int(turn.max()) + 1, num_lines)
    pick = (turn, np.arange(num_lines))
    thick = np.round(rng.uniform(1, thickest, shape))[pick]
    length = (scene.height * rng.uniform(0.2, 1.0, shape))[pick]
    x = (scene.width * rng.random(shape))[pick]
    y = rng.random(shape)[pick]
    lean = rng.normal(0, 0.03, shape)[pick] * scene.height
    bow = rng.normal(0, 0.015, shape)[pick] * scene.height
    ticks = scene.times.astype(int)
    x = x + rng.normal(0, 0.6, (int(ticks[-1]) + 1, num_lines))[ticks]
    # shorten the line that exceeds the amount, drop later ones
    before = np.cumsum(thick * length, axis=1) - thick * length
    length = np.clip((amount * scene.area - before) / thick, 0, length)
    cuts = np.linspace(0, 1, SCRATCH_PARTS + 1)
    middle = (cuts[:-1] + cuts[1:]) / 2
    edges = (y * (scene.height - length))[..., None] + np.round(length[..., None] * cuts)
    left = x[..., None] + lean[..., None] * middle + bow[..., None] * np.sin(np.pi * middle)
    right = np.round(left) + thick[..., None]
    boxes = np.stack([np.round(left), edges[..., :-1], right, edges[..., 1:]], -1)
    return boxes.reshape(scene.num_frames, -1, 4)  # (T,N*parts,4)


def _dust(scene: Scene, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Return polygons (T,K,P,2) of specks and short hairs, new ones in each frame."""
    largest = max(scene.short_side / 90, 1.0)
    mean_area = 3.0 * largest**2
    num_specks = int(np.ceil(0.6 * scene.target * scene.area / mean_area)) + 3
    ticks = scene.times.astype(int)
    shape = (int(ticks[-1]) + 1, num_specks)
    centre = (rng.random((*shape, 2)) * scene.size)[ticks]
    angle = rng.uniform(0, np.pi, shape)[ticks]
    hair = (rng.random(shape) < 0.15)[ticks]
    radius = rng.uniform(0.3, 1.0, shape)[ticks] * largest
    reach = np.where(hair, 4 * radius, 0.6 * radius)
    radius = np.where(hair, 0.35 * radius, radius)
    before = np.cumsum(np.pi * radius * (radius + reach), axis=1)
    along = reach[..., None] * np.stack([np.cos(angle), np.sin(angle)], -1)
    specks = capsules(centre - along / 2, radius, centre + along / 2, radius)
    specks[before > max(amount * scene.area, before[:, :1].max())] = np.nan
    return specks


def strokes(scene: Scene, amount: float, rng: np.random.Generator) -> Geometry:
    """Draw thick curves that drift, bounce off the edges and slowly bend."""
    count, num_parts = int(np.clip(2 + scene.target * 14, 2, 8)), 14
    times = scene.times[:, None, None]
    step = scene.short_side * rng.uniform(0.03, 0.07, (count, 1))
    bend = rng.normal(0, 0.35, (count, num_parts)).cumsum(-1)
    bend = bend + rng.uniform(0, 2 * np.pi, (count, 1))
    rate, phase = rng.uniform(0.05, 0.2, (count, 1)), rng.uniform(0, 2 * np.pi, (count, 1))
    wobble = 0.5 * np.linspace(-1, 1, num_parts) * np.sin(rate * times + phase)  # (T,C,N)
    angles = bend + wobble
    steps = step[..., None] * np.stack([np.cos(angles), np.sin(angles)], -1)
    curve = np.cumsum(steps, axis=2)
    curve = curve - curve.mean(axis=2, keepdims=True)  # (T,C,N,2)
    course = rng.uniform(0, 2 * np.pi, count)
    speed = rng.uniform(0, 0.02, count) * scene.short_side
    velocity = speed[:, None] * np.stack([np.cos(course), np.sin(course)], -1)
    start = rng.uniform(0.15, 0.85, (count, 2)) * scene.size
    path = fold(start + velocity * times, 0.1 * scene.size, 0.9 * scene.size)  # (T,C,2)
    mean_thick = amount * scene.area / (step.sum() * num_parts)
    # below the least thickness shorten the curves instead
    points = path[:, :, None] + curve * min(mean_thick / THINNEST_PX, 1.0)
    thick = rng.uniform(0.7, 1.3, (count, 1)) * max(mean_thick, THINNEST_PX)
    radius = np.repeat(thick / 2, num_parts - 1, axis=1)
    pieces = capsules(points[:, :, :-1], radius, points[:, :, 1:], radius)  # (T,C,N-1,P,2)
    return Geometry((pieces.reshape(scene.num_frames, -1, *pieces.shape[-2:]),))


@dataclass(frozen=True, kw_only=True)
class KindSpec:
    """Layout and coverage of a kind."""

    layout: Callable[[Scene, float, np.random.Generator], Geometry]
    """Lays out the shapes, see the module."""
    coverage_limits: tuple[float, float]
    """Range of the mean coverage in which the kind keeps its look."""
    usual_coverage: tuple[float, float]
    """Range of the default coverage, drawn uniformly in its logarithm."""
    moves: bool = True
    """False: all frames are the same."""


KINDS: Mapping[Kind, KindSpec] = MappingProxyType(
    {
        Kind.BOX: KindSpec(layout=box, coverage_limits=(0.002, 0.8), usual_coverage=(0.02, 0.2)),
        Kind.LOGO: KindSpec(
            layout=logo, coverage_limits=(0.002, 0.25), usual_coverage=(0.01, 0.05), moves=False
        ),
        Kind.TEXT_BAND: KindSpec(
            layout=text_band, coverage_limits=(0.01, 0.2), usual_coverage=(0.02, 0.08)
        ),
        Kind.SCRATCHES: KindSpec(
            layout=scratches, coverage_limits=(0.005, 0.3), usual_coverage=(0.01, 0.05)
        ),
        Kind.BORDER: KindSpec(
            layout=border, coverage_limits=(0.01, 0.9), usual_coverage=(0.1, 0.4), moves=False
        ),
        Kind.OBJECT: KindSpec(
            layout=objects, coverage_limits=(0.002, 0.6), usual_coverage=(0.02, 0.25)
        ),
        Kind.STROKES: KindSpec(
            layout=strokes, coverage_limits=(0.005, 0.6), usual_coverage=(0.03, 0.25)
        ),
    }
)
