"""What a run shows: a grid of samples, a looping preview, its curves; Pillow alone draws them."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from .records import read_table

_GAP = 2
_MARGIN, _PANEL = 44, (360, 200)
_COLOURS = ((31, 119, 180), (214, 110, 20), (44, 140, 44), (180, 40, 40))
_PREVIEW_MS = 80


def sample_grid(columns: list[Tensor]) -> Tensor:
    """Put pictures side by side.

    Args:
        columns: tensors (N,3,h,w) in [0,1], one a column (such as input, floor, result, truth).

    Returns:
        (3,H,W): N rows, white between.
    """
    height, width = columns[0].shape[-2:]
    num_rows = len(columns[0])
    size = (num_rows * (height + _GAP) - _GAP, len(columns) * (width + _GAP) - _GAP)
    grid = torch.ones(3, *size)
    for x, column in enumerate(columns):
        for y, picture in enumerate(column):
            top, left = y * (height + _GAP), x * (width + _GAP)
            grid[:, top : top + height, left : left + width] = picture.detach().cpu().clamp(0, 1)
    return grid


def masked(truth: Tensor, holes: Tensor) -> Tensor:
    """Return frames with their holes in grey, as input for the eye."""
    return torch.where(holes > 0, 0.5, truth)


def save_picture(picture: Tensor, path: Path) -> None:
    """Write (3,H,W) in [0,1] as PNG."""
    _image(picture).save(path)


def save_preview(clips: list[Tensor], path: Path) -> None:
    """Write clips (T,3,h,w) side by side as one looping animation (WebP)."""
    frames = [
        _image(sample_grid([clip[t : t + 1] for clip in clips])) for t in range(len(clips[0]))
    ]
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=_PREVIEW_MS, loop=0, quality=85
    )


def _image(picture: Tensor) -> Image.Image:
    bytes_ = (255 * picture.detach().cpu().clamp(0, 1)).round().byte()
    return Image.fromarray(bytes_.permute(1, 2, 0).contiguous().numpy())


def plot_curves(tables: list[Path], path: Path) -> None:
    """Draw every column of some CSV files over their first column, a panel each.

    Args:
        tables: files of a run that exist; their first column is the step.
        path: of the PNG.
    """
    panels = []
    for table in tables:
        rows = read_table(table)
        if len(rows) < 2:
            continue
        x_name, *names = rows[0]
        for name in names:
            points = [
                (float(r[x_name]), float(r[name])) for r in rows if r[name] not in ("", "nan", None)
            ]
            if len(points) > 1 and name not in ("seconds", "skipped"):
                panels.append((f"{table.stem}: {name}", points))
    if not panels:
        return
    across = 3
    down = -(-len(panels) // across)
    width, height = _PANEL[0] + _MARGIN, _PANEL[1] + _MARGIN
    image = Image.new("RGB", (across * width, down * height), "white")
    draw = ImageDraw.Draw(image)
    for number, (title, points) in enumerate(panels):
        corner = ((number % across) * width + _MARGIN, (number // across) * height + 20)
        _panel(draw, corner, title, points, _COLOURS[number % len(_COLOURS)])
    image.save(path)


def _panel(
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    title: str,
    points: list[tuple[float, float]],
    colour: tuple[int, int, int],
) -> None:
    """Draw one curve in a frame with the ends of both axes."""
    left, top = corner
    right, bottom = left + _PANEL[0] - 20, top + _PANEL[1] - 20
    xs, ys = zip(*points, strict=True)
    low, high = min(ys), max(ys)
    if high - low < 1e-12:
        low, high = low - 0.5, high + 0.5
    first, last = xs[0], max(xs[-1], xs[0] + 1)
    draw.rectangle((left, top, right, bottom), outline=(180, 180, 180))
    draw.text((left, top - 14), title, fill="black")
    draw.text((left - 42, top - 4), f"{high:.3g}", fill="black")
    draw.text((left - 42, bottom - 8), f"{low:.3g}", fill="black")
    draw.text((left, bottom + 2), f"{first:.0f}", fill="black")
    draw.text((right - 40, bottom + 2), f"{last:.0f}", fill="black")
    line = [
        (
            left + (x - first) / (last - first) * (right - left),
            bottom - (y - low) / (high - low) * (bottom - top),
        )
        for x, y in points
    ]
    draw.line(line, fill=colour, width=2)
