"""The published free-form strokes, draw for draw; 1 = hole (the published arrays are 1 = known).

Method: Chang, Liu and Hsu, "Free-form Video Inpainting with 3D Gated Convolution and Temporal
PatchGAN" (ICCV 2019), as coded in the authors' mask generator; the same generator is used in
"Learnable Gated Temporal Shift Module for Deep Video Inpainting" (BMVC 2019).

The published code draws from numpy's global legacy generator, so this file uses `RandomState`, the same
algorithm with its own state: a seed gives the published masks and no global state changes. Pillow draws
the pixels (compared on Pillow 13); control points do not depend on it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ...errors import OptionError, shown
from .stroke_presets import Preset, StrokePreset, find_preset

SEED_LIMIT = 2**32
"""Seeds of the legacy generator are below this."""
STROKE_RANGE = (1, 20)
"""Published range of the number of strokes per clip, upper end excluded."""
MAX_STROKES = 1000
"""Far more than cover any frame."""
MAX_SIDE, MAX_FRAMES = 2**16, 10**6
"""Far more than any memory holds."""


@dataclass(frozen=True)
class Stroke:
    """One stroke in one frame."""

    points: np.ndarray
    """Control points (N,2) float64, x and y in pixels; may be outside the frame."""
    brush: int
    """Width in pixels."""
    shift: tuple[int, int]
    """Motion in x and y, in whole pixels per frame."""


def free_form_masks(
    num_frames: int,
    height: int,
    width: int,
    *,
    preset: Preset | StrokePreset | str,
    seed: int,
    num_strokes: int | None = None,
) -> Tensor:
    """Draw a clip of moving free-form strokes as published.

    Args:
        num_frames: frames of the clip, 1 or more.
        height: of a frame in pixels, 1 or more.
        width: of a frame in pixels, 1 or more.
        preset: published preset, see `stroke_presets.PRESETS`.
        seed: 0 to 2**32 - 1; the same seed gives the same clip.
        num_strokes: strokes in the clip, 0 to `MAX_STROKES`; None: 1 to 19, drawn first, as published.

    Returns:
        Holes (T,1,H,W) float32, 0 or 1, 1 = hole, on the CPU.

    Raises:
        OptionError: the preset is unknown, or a number is outside its range.
    """
    settings = find_preset(preset)
    check_clip_size(num_frames, height, width)
    if not _is_whole(seed, 0, SEED_LIMIT - 1):
        raise OptionError(
            f"Expected a seed in 0 to 2**32 - 1, got {shown(seed)}; choose one in it."
        )
    if num_strokes is not None and not _is_whole(num_strokes, 0, MAX_STROKES):
        raise OptionError(
            f"Expected num_strokes of 0 to {MAX_STROKES}, got {shown(num_strokes)}; choose a "
            "number in it."
        )
    rng = np.random.RandomState(seed)
    if num_strokes is None:
        num_strokes = int(rng.randint(*STROKE_RANGE))
    try:
        holes = np.empty((num_frames, height, width), dtype=np.float32)
    except MemoryError as error:
        raise OptionError(
            f"Expected masks that fit into memory, got {num_frames} of {width}x{height}; draw "
            "fewer or smaller ones."
        ) from error
    frames = stroke_frames(num_frames, height, width, settings, num_strokes, rng)
    for index, strokes in enumerate(frames):
        holes[index] = draw_strokes(strokes, height, width)
    return torch.from_numpy(holes).unsqueeze(1)  # (T,1,H,W)


def stroke_frames(
    num_frames: int,
    height: int,
    width: int,
    preset: StrokePreset,
    num_strokes: int,
    rng: np.random.RandomState,
) -> Iterator[tuple[Stroke, ...]]:
    """Yield the strokes of each frame, with random numbers drawn in the published order.

    Args:
        num_frames: frames of the clip.
        height: of a frame in pixels.
        width: of a frame in pixels.
        preset: settings.
        num_strokes: strokes in the clip.
        rng: legacy generator; it is advanced.
    """
    strokes = tuple(_first_stroke(height, width, preset, rng) for _ in range(num_strokes))
    yield strokes
    for _ in range(num_frames - 1):
        strokes = tuple(_moved_stroke(stroke, preset, rng) for stroke in strokes)
        yield strokes


def _first_stroke(
    height: int, width: int, preset: StrokePreset, rng: np.random.RandomState
) -> Stroke:
    """Return a stroke in the first frame; the order of the random draws is the published one."""
    brush = int(rng.randint(int(preset.brush[0]), int(preset.brush[1])))
    x, y = float(rng.randint(width)), float(rng.randint(height))
    num_vertices = int(rng.randint(*preset.num_vertices))
    angle = rng.uniform(0, 2 * np.pi)
    speed = rng.uniform(0, preset.max_head_speed)
    limits = np.array(preset.max_head_acceleration, dtype=np.float64)
    # one call for all steps draws the same numbers in the same order as two calls per step
    changes = rng.uniform(-limits, limits, size=(num_vertices, 2)).tolist()
    points = [(x, y)]
    for faster, turn in changes:
        speed = min(max(speed + faster, 0.0), float(preset.max_head_speed))
        angle += turn
        x += speed * np.sin(angle)
        y += speed * np.cos(angle)
        points.append((x, y))
    line_speed = abs(rng.normal(0, preset.max_initial_speed / 2))
    line_angle = rng.uniform(0, 2 * np.pi)
    # as published, the cosine belongs to x here and to y above
    shift = (int(line_speed * np.cos(line_angle)), int(line_speed * np.sin(line_angle)))
    return Stroke(np.array(points), brush, shift)


def _moved_stroke(stroke: Stroke, preset: StrokePreset, rng: np.random.RandomState) -> Stroke:
    """Move a stroke by one frame and let some of its points jitter."""
    points = stroke.points + stroke.shift
    # the published code draws an acceleration and drops it; draw it to keep the sequence
    rng.normal(0, preset.max_line_acceleration[0] / 2)
    rng.normal(0, preset.max_line_acceleration[1] / 2)
    order = np.arange(len(points))
    rng.shuffle(order)
    chosen = order[: int(len(points) * preset.move_ratio)]
    move = int(preset.max_point_move)
    points[chosen] += rng.randint(-move, move, size=(len(chosen), 2))
    return Stroke(points, stroke.brush, stroke.shift)


def draw_strokes(strokes: tuple[Stroke, ...], height: int, width: int) -> np.ndarray:
    """Draw strokes with Pillow: lines between the points and a disc at each point.

    Args:
        strokes: of one frame.
        height: of the frame in pixels.
        width: of the frame in pixels.

    Returns:
        Holes (H,W) bool, True = hole.
    """
    # published: 0 drawn on 1 = known; 1 on 0 gives the same pixels with 1 = hole
    image = Image.new("1", (width, height), 0)
    draw = ImageDraw.Draw(image)
    for stroke in strokes:
        points = stroke.points.tolist()
        for start, end in itertools.pairwise(points):
            draw.line((*start, *end), fill=1, width=stroke.brush)
        radius = stroke.brush // 2 - 1
        for x, y in points:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)
    return np.array(image, dtype=bool)


def leave_border(holes: Tensor, border_px: int) -> Tensor:
    """Make the outer rows and columns known (in the published code: noBoarder, 15 pixels).

    Args:
        holes: (T,1,H,W), 1 = hole.
        border_px: rows and columns at each side that become known, 0 or more.

    Returns:
        Holes (T,1,H,W) of the same dtype, a new tensor.

    Raises:
        OptionError: the border is negative.
    """
    if border_px < 0:
        raise OptionError(f"Expected a border of 0 pixels or more, got {border_px}; raise it.")
    inner = torch.zeros_like(holes)
    rows = slice(border_px, max(border_px, holes.shape[-2] - border_px))
    columns = slice(border_px, max(border_px, holes.shape[-1] - border_px))
    inner[..., rows, columns] = holes[..., rows, columns]
    return inner


def check_clip_size(num_frames: int, height: int, width: int) -> None:
    """Check that a clip has frames and pixels.

    Raises:
        OptionError: a number is below 1, absurdly large, or no whole number.
    """
    sides = _is_whole(height, 1, MAX_SIDE) and _is_whole(width, 1, MAX_SIDE)
    if not sides or not _is_whole(num_frames, 1, MAX_FRAMES):
        raise OptionError(
            f"Expected num_frames of 1 to {MAX_FRAMES}, height and width of 1 to {MAX_SIDE}, got "
            f"{shown(num_frames)}, {shown(height)} and {shown(width)}; choose numbers in these."
        )


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, Integral) and low <= int(value) <= high
