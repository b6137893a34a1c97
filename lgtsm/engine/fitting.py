"""Sizes: source frames to working frames and back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate, pad

from ..box import Box
from ..masks.morph import shrink_to


@dataclass(frozen=True)
class Fit:
    """How source frames become working frames.

    source: (height, width) of the source.
    working: (height, width) before padding; equal to the source unless it is too large.
    padded: (height, width) of what the network sees, multiples of its step.
    """

    source: tuple[int, int]
    working: tuple[int, int]
    padded: tuple[int, int]

    @property
    def resized(self) -> bool:
        """Whether working and source size differ."""
        return self.source != self.working

    @property
    def scale(self) -> tuple[float, float]:
        """Working over source size, (vertical, horizontal)."""
        return self.working[0] / self.source[0], self.working[1] / self.source[1]


def plan_fit(source: tuple[int, int], *, max_side: int, multiple: int) -> Fit:
    """Choose the working size.

    Args:
        source: (height, width).
        max_side: longest side of working frames, in pixels.
        multiple: padded sides are multiples of this.
    """
    scale = min(1.0, max_side / max(source))
    height, width = (max(1, round(side * scale)) for side in source)
    return Fit(
        source,
        (height, width),
        (-(-height // multiple) * multiple, -(-width // multiple) * multiple),
    )


def to_working(frame: Tensor, hole: Tensor, fit: Fit) -> tuple[Tensor, Tensor]:
    """Bring one frame and its hole to the network's size.

    Args:
        frame: (3,H,W) float in [0,1].
        hole: (1,H,W) 0 or 1, 1 = hole.
        fit: sizes.

    Returns:
        (3,h,w) with zeros in the hole, and (1,h,w) 0 or 1; no hole pixel is lost on the way and no
        hole pixel's colour gets into known ones.
    """
    # in main memory and float32: the composer and the bands work there
    frame, hole = frame.to("cpu", torch.float32), hole.to("cpu", torch.float32)
    known = 1 - hole
    masked = frame.masked_fill(hole > 0, 0)
    if fit.resized:
        both = torch.cat([masked, known])[None]
        small = interpolate(both, size=fit.working, mode="bilinear", antialias=True)[0]
        hole = shrink_to(hole[None], fit.working)[0]
        masked = small[:3] / small[3:].clamp_min(1e-3)
        masked = masked.clamp(0, 1).masked_fill(hole > 0, 0)
    bottom = fit.padded[0] - fit.working[0]
    right = fit.padded[1] - fit.working[1]
    if bottom or right:
        # replicated holes stay holes: a known pixel must never be made of a missing one
        masked = pad(masked[None], (0, right, 0, bottom), mode="replicate")[0]
        hole = pad(hole[None], (0, right, 0, bottom), mode="replicate")[0]
    return masked, hole


def to_source(values: Tensor, box: Box, wanted: Box, fit: Fit) -> Tensor:
    """Bring a part of a working frame to source size.

    Args:
        values: (3,h',w') covering `box`, in working pixels.
        box: part of the working frame; must cover `wanted`.
        wanted: part of the source frame.
        fit: sizes.

    Returns:
        (3,H',W') covering `wanted`; at equal sizes the values unchanged.
    """
    if not fit.resized:
        rows, columns = wanted.within(box)
        return values[:, rows, columns]
    scale_y, scale_x = fit.scale
    device = values.device
    y = (torch.arange(wanted.top, wanted.bottom, device=device) + 0.5) * scale_y - box.top
    x = (torch.arange(wanted.left, wanted.right, device=device) + 0.5) * scale_x - box.left
    grid_y = 2 * y / box.height - 1
    grid_x = 2 * x / box.width - 1
    grid = torch.stack(torch.meshgrid(grid_y, grid_x, indexing="ij")[::-1], -1)[None]
    large = grid_sample(
        values[None].float(),
        grid.float(),
        mode="bicubic",
        padding_mode="border",
        align_corners=False,
    )
    return large[0].clamp(0, 1)  # bicubic overshoots at edges
