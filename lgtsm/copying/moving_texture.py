"""Textures that move by themselves: what was synthesised moves as the places it was taken from do.

Water, leaves and smoke that were completed in one frame stand still when they are carried along. The
completion knows which known pixel each of its own was taken from; what these pixels show now takes the
place of the detail: a loop of real frames of the same texture. It is taken in cells that overlap and are
blended so that their variance stays (Heitz and Neyret 2018, "High-performance by-example noise using a
histogram-preserving blending operator", section 3). Broad colours stay those of the completion, so
that nothing of what passes over the pixels that were copied from is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from ..align.sampling import KNOWN, sample_at
from ..fills.averaging import enlarge, local_mean, size_of
from .consensus import ERROR_PX, masked_cell_mean

# set by hand, not swept
CELL_PX = 12
"""Side of the cells that move as one."""
_CORRELATED_PX = 2.0  # distance in pixels at which detail has little in common
_BLUR = 6  # repetitions of a 3x3 average over cells of 4x4 pixels, beyond which colours are broad


@dataclass(frozen=True)
class Texture:
    """What a picture (1,3,h,w) shows above its broad colours, and where it is known (1,1,h,w)."""

    detail: Tensor
    known: Tensor

    @classmethod
    def of(cls, picture: Tensor, known: Tensor) -> Texture:
        """Take the detail of a picture."""
        broad = local_mean(masked_cell_mean(picture, known), _BLUR)
        return cls(picture - enlarge(broad, ERROR_PX, size_of(picture)), known)


def moved_detail(
    still: Tensor, shift: Tensor, coords: Tensor, now: Texture, to_now: Callable[[Tensor], Tensor]
) -> Tensor:
    """Return the detail (1,3,h,w) of a synthesised texture as it is in a frame.

    Args:
        still: (1,3,h,w) its detail as it was synthesised, which stays where sources are hidden.
        shift: (1,2,H,W) from a pixel of the key frame to the one it was taken from, in pixels.
        coords: (1,2,h,w) coordinates in the key frame of the pixels that are wanted.
        now: of the frame.
        to_now: turns coordinates in the key frame into those in the frame.
    """
    height, width = size_of(shift)
    at = coords / CELL_PX - 0.5
    first = at.floor()
    # what is stronger than the texture is no part of it: something passes by, or a cell reaches too far
    side = 2 * (CELL_PX // 2) + 1
    most = max_pool2d(still.abs().amax(1, keepdim=True), side, 1, side // 2)
    details, weights, shifts = list[Tensor](), list[Tensor](), list[Tensor]()
    for right in (0, 1):
        for down in (0, 1):
            corner = coords.new_tensor([right, down])[:, None, None]
            x, y = ((first + corner + 0.5) * CELL_PX).long()[0]
            shifts.append(shift[..., y.clamp(0, height - 1), x.clamp(0, width - 1)])
            source = to_now(coords + shifts[-1])
            is_shown = sample_at(now.known, source, padding="zeros") > KNOWN
            detail = sample_at(now.detail, source, mode="bicubic").clamp(-most, most)
            details.append(torch.where(is_shown, detail, still))
            weights.append((1 - corner - at + first).abs().prod(1, keepdim=True))
    weight = torch.cat(weights)
    return (torch.cat(details) * weight).sum(0, keepdim=True) / _deviation(
        weight, torch.cat(shifts)
    )


def _deviation(weights: Tensor, shifts: Tensor) -> Tensor:
    """Return the standard deviation (1,1,h,w) of sums of 4 copies of a texture of deviation 1.

    Args:
        weights: (4,1,h,w).
        shifts: (4,2,h,w) of the copies in pixels: near ones show nearly the same.
    """
    apart = (shifts[:, None] - shifts).square().sum(2, keepdim=True)  # (4,4,1,h,w)
    correlation = torch.exp(apart / (-2 * _CORRELATED_PX**2))
    return (weights[:, None] * weights * correlation).sum((0, 1)).sqrt()[None]
