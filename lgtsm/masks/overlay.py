"""Pictures that show a mask, or where a result differs from its source; for display only."""

from __future__ import annotations

from enum import Enum

import torch
from torch import Tensor

_TINT = (0.9, 0.15, 0.35)
_TINT_WEIGHT = 0.65
_CHECKER_PX = 8
_DIM = 0.35
"""Brightness of a frame below marked changes."""


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
