"""Pictures that show a mask, a result beside its source, or where they differ; for display only."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..errors import OptionError, ShapeError
from ..options import CompareAs

_TINT = (0.9, 0.15, 0.35)
_TINT_WEIGHT = 0.65
_CHECKER_PX = 8
_DIM = 0.35
"""Brightness of a frame below marked changes."""
_SWEEP = 48
"""Frames in which the line of a wipe crosses the picture: two seconds of a film."""
_LINE_RATIO = 1 / 320
"""Width of that line as a fraction of the picture's."""
_LABEL_RATIO, _LEAST_LABEL_PX = 1 / 12, 12
"""Height of a label as a fraction of the picture's, and the least that can be read."""


class Paint(Enum):
    """How a hole is shown."""

    VEIL = "veil"
    """A red tint: mask and object are both visible."""
    GREY = "grey"
    """Middle grey."""
    BLACK = "black"
    WHITE = "white"
    CHECKER = "checker"
    """A grey checkerboard, as image editors show transparency."""


_FLAT = {Paint.GREY: 0.5, Paint.BLACK: 0.0, Paint.WHITE: 1.0}


def overlay(frames: Tensor, holes: Tensor, paint: Paint = Paint.VEIL) -> Tensor:
    """Show holes in frames.

    Args:
        frames: (T,3,H,W) in [0,1].
        holes: (T,1,H,W) or (1,1,H,W), above 0 = hole.
        paint: how the hole is shown.

    Returns:
        (T,3,H,W), a new tensor; outside the hole identical to `frames`.
    """
    if paint is Paint.VEIL:
        tint = torch.tensor(_TINT).to(frames).view(1, 3, 1, 1)
        shown = (1 - _TINT_WEIGHT) * frames + _TINT_WEIGHT * tint
    elif paint is Paint.CHECKER:
        y = torch.arange(frames.shape[2], device=frames.device)[:, None] // _CHECKER_PX
        x = torch.arange(frames.shape[3], device=frames.device)[None] // _CHECKER_PX
        shown = (0.4 + 0.2 * ((x + y) % 2)).to(frames)
    else:
        shown = torch.full((), _FLAT[paint], dtype=frames.dtype, device=frames.device)
    return torch.where(holes.to(frames.device) > 0, shown, frames)


def mark_changes(before: Tensor, after: Tensor, holes: Tensor) -> Tensor:
    """Show where a result differs from its source.

    Args:
        before: (T,3,H,W) in [0,1].
        after: (T,3,H,W) in [0,1].
        holes: (T,1,H,W) or (1,1,H,W), above 0 = hole.

    Returns:
        (T,3,H,W): the result in dim grey; changed pixels are red outside the hole, green inside.
    """
    grey = _DIM * after.clamp(0, 1).mean(1, keepdim=True).expand_as(after)
    changed = (after != before).any(1, keepdim=True)
    inside = holes.to(after.device) > 0
    red = torch.tensor((1.0, 0.1, 0.1)).to(after).view(1, 3, 1, 1)
    green = torch.tensor((0.1, 0.7, 0.3)).to(after).view(1, 3, 1, 1)
    return torch.where(changed, torch.where(inside, green, red), grey)


def compare(
    before: Tensor,
    after: Tensor,
    compare_as: CompareAs = CompareAs.SIDE_BY_SIDE,
    *,
    holes: Tensor | None = None,
    first: int = 0,
    start: int = 0,
) -> Tensor:
    """Show a clip before and after its repair in one picture.

    Args:
        before: (T,3,H,W) in [0,1].
        after: (T,3,H,W) in [0,1].
        compare_as: side by side, with or without the mask, or as a wipe.
        holes: (T,1,H,W) or (1,1,H,W), above 0 = hole; needed to show the mask.
        first: frames of the clip before these, which may be passed in parts.
        start: number of the clip's first frame.

    Returns:
        A new tensor: (T,3,H,2W) side by side, (T,3,H,W) as a wipe.

    Raises:
        ShapeError: the clips differ in size or length; OptionError: a mask to be shown is missing.
    """
    if before.shape != after.shape:
        raise ShapeError(
            f"Expected clips of one size and length to compare, got {tuple(before.shape)} and "
            f"{tuple(after.shape)}; give the source and the result of one job."
        )
    after = after.to(before)
    if compare_as is CompareAs.MASK:
        if holes is None:
            raise OptionError(
                "Expected a mask to show it beside the result, got none; give the mask, or compare "
                f"{CompareAs.SIDE_BY_SIDE.value}."
            )
        numbers = range(start + first, start + first + len(before))
        before = numbered_overlay(before, holes, numbers)
    if compare_as is not CompareAs.WIPE:
        return torch.cat([before, after], 3)
    width = before.shape[3]
    # from the middle, so that a short clip shows both
    number = torch.arange(first, first + len(before), device=before.device) + _SWEEP // 2
    position = width * (1 - (number % (2 * _SWEEP) - _SWEEP).abs() / _SWEEP).view(-1, 1, 1, 1)
    column = torch.arange(width, device=before.device) + 0.5
    line = (column - position).abs() < max(1.0, width * _LINE_RATIO / 2)
    return torch.where(line, 1.0, torch.where(column < position, after, before))


def numbered_overlay(frames: Tensor, holes: Tensor, numbers: Iterable[int]) -> Tensor:
    """Show holes in frames as `overlay` does, with the number of each frame as `labelled` writes it."""
    return labelled(overlay(frames, holes), map(str, numbers))


def labelled(frames: Tensor, labels: Iterable[str]) -> Tensor:
    """Write a label into the upper left corner of every frame.

    Args:
        frames: (T,3,H,W) in [0,1].
        labels: one for each.

    Returns:
        (T,3,H,W), a new tensor in steps of 1/255.
    """
    size = max(_LEAST_LABEL_PX, round(frames.shape[-2] * _LABEL_RATIO))
    font, written = ImageFont.load_default(size), list[np.ndarray]()
    pictures = (frames.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    for values, label in zip(pictures, labels, strict=True):
        picture = Image.fromarray(values)
        ImageDraw.Draw(picture).text(
            (size // 3, size // 6),
            label,
            "white",
            font,
            stroke_width=size // 8,
            stroke_fill="black",
        )
        written.append(np.asarray(picture))
    return torch.from_numpy(np.stack(written)).to(frames).permute(0, 3, 1, 2) / 255
