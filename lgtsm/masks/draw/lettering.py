"""Masks like text: corner logos and subtitles, built from seven-segment letters; no torch."""

from __future__ import annotations

import numpy as np

from .geometry import Geometry, Scene, box_corners, wavy_circle

LETTERS = np.array(
    [[int(bar) for bar in letter] for letter in (
        "1111110", "1101101", "1100011", "1011011", "1101011", "1101010", "1100111", "0111110",
        "0100101", "1110010", "1110111", "1101110", "0111101", "1011101", "0110111",
    )],
    dtype=bool,
)  # fmt: skip
"""Segments of each letter: top, upper left, upper right, middle, lower left, lower right, bottom."""
BARS = np.array(
    [
        [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.5], [1.0, 0.0, 1.0, 0.5], [0.0, 0.5, 1.0, 0.5],
        [0.0, 0.5, 0.0, 1.0], [1.0, 0.5, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0],
    ]
)  # fmt: skip
"""Centre lines of the segments: x0, y0, x1, y1, relative to the letter's inner width and height."""
STROKE_RATIO = 0.24
"""Thickness of a segment over the height of its letter."""
LETTER_ASPECT = 0.62
"""Width of a letter over its height."""
LETTER_FILL = 0.42
"""Fraction of a row, gaps included, that segments cover (measured)."""
SPACE_CHANCE = 0.16
"""Probability that a letter is a space."""
CAPTION_FRAMES = (16, 60)
"""Range of the duration of a caption."""
ROW_TARGET = 0.05
"""Target coverage per row of subtitles."""
LEGIBLE_PX = 6.0
"""Least height of a subtitle letter."""
MAX_LETTERS = 48
"""Letters of a row at most."""
MARGIN_RATIO = 0.05
"""Distance of text from the frame's edge over the frame's shorter side."""


def text_band(scene: Scene, amount: float, rng: np.random.Generator) -> Geometry:
    """Lay out rows of letters at the bottom that change from caption to caption."""
    num_rows = int(np.clip(round(scene.target / ROW_TARGET), 1, 5))
    num_rows += int(num_rows == 1 and rng.random() < 0.5)
    hold = rng.uniform(*CAPTION_FRAMES)
    caption = ((scene.times + rng.uniform(0, hold)) // hold).astype(int)
    row_ratios = rng.uniform(0.55, 0.92, num_rows)
    height = amount * scene.area / (LETTER_FILL * scene.width * row_ratios.sum())
    height = min(height, 0.9 * scene.height / (1.35 * num_rows))
    # below a legible height the segments merge: shorten the rows instead
    legible = min(LEGIBLE_PX, scene.height / (2 * num_rows))
    shorten = min(height / legible, 1.0)
    height = max(height, legible)
    bottom = scene.height - min(MARGIN_RATIO * scene.short_side, height)
    captions = []
    for _ in range(int(caption[-1]) + 1):
        rows = []
        # the same row widths in every caption, permuted: the coverage stays even
        for row, ratio in enumerate(rng.permutation(row_ratios)):
            row_width = ratio * scene.width * shorten
            left = (scene.width - row_width) / 2
            top = bottom - height - 1.35 * height * (num_rows - 1 - row)
            rows.append(_word((left, top), (row_width, height), rng))
        captions.append(np.concatenate(rows))
    longest = max(map(len, captions))
    table = np.zeros((len(captions), longest, 4))
    for index, boxes in enumerate(captions):
        table[index, : len(boxes)] = boxes
    return Geometry(boxes=table[caption])


def _word(
    corner: tuple[float, float], size: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Return boxes (M,4) of one row of random letters; always the same number of random draws.

    Args:
        corner: left and top in pixels.
        size: width and height in pixels.
        rng: random generator.
    """
    codes = LETTERS[rng.integers(0, len(LETTERS), MAX_LETTERS)]  # (L,7)
    codes = codes & (rng.random((MAX_LETTERS, 1)) >= SPACE_CHANCE)
    codes[0] = LETTERS[0]
    rounding = rng.random((MAX_LETTERS, 1))
    width, height = size
    count = int(np.clip(round(width / (height * LETTER_ASPECT * 1.3)), 1, MAX_LETTERS))
    pitch = width / count
    # whole-pixel strokes, rounded at random per letter: the coverage grows without steps
    stroke = np.maximum(np.floor(STROKE_RATIO * height + rounding[:count]), 1.0)  # (L,1)
    inner = np.maximum(np.array([pitch / 1.3, height] * 2) - stroke, 0.0)  # (L,4)
    bars = BARS * inner[:, None] + stroke[:, None] / 2 * np.array([-1, -1, 1, 1])  # (L,7,4)
    lefts = corner[0] + pitch * np.arange(count)
    offsets = np.stack([lefts, np.full(count, corner[1])] * 2, -1) + stroke / 2  # (L,4)
    boxes = (bars + offsets[:, None])[codes[:count]]
    return box_corners((boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2])


def logo(scene: Scene, amount: float, rng: np.random.Generator) -> Geometry:
    """Lay out a static logo in a corner: a rounded rectangle, an ellipse, a word, or both."""
    style = rng.integers(0, 4)
    right, low = rng.random(2) < 0.5
    aspect = np.exp(rng.uniform(-0.3, 0.9)) if style < 2 else rng.uniform(2.5, 5.0)
    fill = (0.97, 0.79, LETTER_FILL * 1.05, 0.55)[style]
    limit = scene.size - 2 * MARGIN_RATIO * scene.short_side
    size = np.sqrt(amount * scene.area / fill * np.array([aspect, 1 / aspect]))
    # too wide for the frame: reduce the width and keep the area
    size = np.minimum(size, limit)
    size = np.minimum(amount * scene.area / fill / size[::-1], limit)
    margin = MARGIN_RATIO * scene.short_side
    corner = np.where([right, low], scene.size - margin - size, margin)
    polygons, boxes = [], []
    if style != 2:
        plate = size if style < 2 else np.array([min(size[1], size[0] / 3), size[1]])
        power = 1.0 if style == 1 else 0.35
        polygons.append(_plate(corner, plate, power))
    if style >= 2:
        shift = 0.0 if style == 2 else min(size[1], size[0] / 3) * 1.15
        length = max(size[0] - shift, 1.0)
        boxes.append(_word((corner[0] + shift, corner[1]), (length, size[1]), rng))
    num_frames = scene.num_frames
    return Geometry(
        tuple(np.repeat(p[None, None], num_frames, axis=0) for p in polygons),
        np.repeat(np.concatenate(boxes)[None], num_frames, axis=0) if boxes else None,
    )


def _plate(corner: np.ndarray, size: np.ndarray, power: float) -> np.ndarray:
    """Return a polygon (P,2): an ellipse (power 1) or a rounded rectangle (smaller power)."""
    circle = wavy_circle(np.random.default_rng(0), np.zeros(1), waviness=0.0, num_points=64)[0]
    rounded = np.sign(circle) * np.abs(circle) ** power  # superellipse
    return corner + size / 2 * (1 + rounded)
