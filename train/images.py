"""Images of a run: a grid of samples, a looping preview, its curves; drawn with Pillow alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from einops import rearrange
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn.functional import pad

from .logs import read_csv

_GAP = 2
"""Between samples, in pixels; as the sizes below."""
_MARGIN, _PANEL = 44, (360, 200)
_COLOURS = ((31, 119, 180), (214, 110, 20), (44, 140, 44), (180, 40, 40))
_PREVIEW_MS = 80


def image_grid(columns: Sequence[Tensor]) -> Tensor:
    """Arrange images in a grid.

    Args:
        columns: tensors (N,3,h,w) in [0,1], one per column.

    Returns:
        (3,H,W): N rows, separated by white.
    """
    images = torch.stack([column.detach().cpu().clamp(0, 1) for column in columns])
    padded = pad(images, (0, _GAP, 0, _GAP), value=1.0)
    grid = rearrange(padded, "column row c h w -> c (row h) (column w)")
    return grid[:, :-_GAP, :-_GAP]


def mask_out(truth: Tensor, holes: Tensor) -> Tensor:
    """Return frames with their holes in grey, for display."""
    return torch.where(holes > 0, 0.5, truth)


def save_image(image: Tensor, path: Path) -> None:
    """Write (3,H,W) in [0,1] as PNG."""
    _to_pillow(image).save(path)


def save_preview(clips: Sequence[Tensor], path: Path) -> None:
    """Write clips (T,3,h,w) side by side as one looping animation (WebP)."""
    frames = [_to_pillow(image_grid([f[None] for f in row])) for row in zip(*clips, strict=True)]
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=_PREVIEW_MS, loop=0, quality=85
    )


def _to_pillow(image: Tensor) -> Image.Image:
    values = (255 * image.detach().cpu().clamp(0, 1)).round().byte()
    return Image.fromarray(rearrange(values, "c h w -> h w c").contiguous().numpy())


def plot_curves(tables: list[Path], path: Path) -> None:
    """Plot every column of some CSV files over their first column, one panel each.

    Args:
        tables: files of a run, which may be missing; their first column is the step.
        path: of the PNG.
    """
    panels = []
    for table in tables:
        rows = read_csv(table)
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
