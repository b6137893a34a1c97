"""Clips with a known motion, from one picture: affine motions as Alvarez 2020 (thesis, ETH) draws them.

Flow holds absolute positions, x then y, -1 and 1 at the centres of the corner pixels, as of
`lgtsm.models.neighbours.dfpn`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

SHIFT_PX, _SCALE, _ROTATION = 50, 0.1, 0.2
"""Largest shift, change of scale, and rotation in radians, between neighbouring frames."""


def draw_affine(rng: np.random.RandomState, *, shift: int = SHIFT_PX) -> Tensor:
    """Draw a motion (3,3) in pixels; the order of the draws is the published one.

    Args:
        rng: advanced by three draws.
        shift: largest, in pixels.
    """
    x, y = rng.randint(-shift, shift, 2)
    wide, high = rng.uniform(1 - _SCALE, 1 + _SCALE, 2)
    angle = rng.uniform(-_ROTATION, _ROTATION)
    c, s = np.cos(angle), np.sin(angle)
    return torch.tensor(
        [[wide * c, -high * s, x], [wide * s, high * c, y], [0, 0, 1]], dtype=torch.float32
    )


def move_picture(
    picture: Tensor, motions: Sequence[Tensor], *, as_published: bool = False
) -> tuple[Tensor, Tensor]:
    """Make a clip of n frames from one picture, which becomes frame n//2.

    Args:
        picture: (3,h,w) in [0,1].
        motions: n-1 of `draw_affine`, between neighbouring frames.
        as_published: with two flaws: flow and frames fit together in square pictures alone, and up to
            three frames.

    Returns:
        Frames (n,3,h,w), 0 outside the picture, and flow (n,2,h,w) from frame n//2 to every frame.
    """
    before = (len(motions) + 1) // 2
    placed = _stacked(motions, before)
    if as_published:
        shown = _stacked([m.inverse() for m in motions], before)
    else:
        shown = [m.inverse() for m in placed]
    size = (picture.shape[-2], picture.shape[-1])
    grids, flow = (
        affine_grid(
            torch.stack([_theta(m, size, as_published=as_published) for m in group]),
            [len(group), 3, *size],
            align_corners=True,
        )
        for group in (placed, shown)
    )
    frames = grid_sample(picture.expand(len(grids), -1, -1, -1), grids, align_corners=True)
    return frames, flow.permute(0, 3, 1, 2)


def _stacked(motions: Sequence[Tensor], before: int) -> list[Tensor]:
    """Chain motions away from the frame that has `before` of them in front of it."""
    undone = (m.inverse() for m in motions[before - 1 :: -1]) if before else ()
    earlier = accumulate(undone, lambda total, m: m @ total, initial=torch.eye(3))
    later = accumulate(motions[before:], lambda total, m: m @ total, initial=torch.eye(3))
    return [*list(earlier)[:0:-1], *later]


def _theta(motion: Tensor, size: tuple[int, int], *, as_published: bool) -> Tensor:
    """Return a motion in pixels as torch's affine matrix (2,3)."""
    height, width = size
    (a, b, x), (c, d, y) = motion[:2].tolist()
    b_, c_ = b * height / width, c * width / height
    skew_x, skew_y = (b, c) if as_published else (b_, c_)
    return torch.tensor(
        [[a, b_, 2 * x / width + a + skew_x - 1], [c_, d, 2 * y / height + skew_y + d - 1]]
    )


def crop_flow(flow: Tensor, top: int, left: int, size: tuple[int, int]) -> Tensor:
    """Cut a part of a size (height, width) out of both frames of a flow (N,2,h,w)."""
    whole = (flow.shape[-2], flow.shape[-1])
    rows, columns = slice(top, top + size[0]), slice(left, left + size[1])
    relative = (flow - _identity(whole, flow))[..., rows, columns]
    ratio = flow.new_tensor([whole[1] / size[1], whole[0] / size[0]])[:, None, None]
    return relative * ratio + _identity(size, flow)


def _identity(size: tuple[int, int], like: Tensor) -> Tensor:
    axes = [torch.linspace(-1, 1, n, dtype=like.dtype, device=like.device) for n in size]
    y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.stack([x, y])
