"""Warping error: does the fill move the way the clean clip moves?

Source: Lai et al. 2018, "Learning Blind Video Temporal Consistency", equation 5: squared difference
to the frame before, moved by the flow, over pixels that both show. We differ in taking only hole
pixels and in telling occlusion by the forward-backward check of Sundaram et al. 2010.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

_RELATIVE, _ABSOLUTE = 0.01, 0.5
"""Sundaram et al. 2010, equation 5: tolerances of the round trip, in squared pixels."""
_INSIDE = 0.9999
"""Sampled weight from which on a pixel counts as inside the other frame."""


def warp(frames: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """Sample frames where a flow points, bilinearly.

    Args:
        frames: (N,C,H,W).
        flow: (N,2,H,W) in pixels, x then y: where in `frames` each pixel is found.

    Returns:
        (N,C,H,W), 0 outside, and (N,1,H,W) True where the place lies inside.
    """
    height, width = frames.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, dtype=flow.dtype, device=flow.device),
        torch.arange(width, dtype=flow.dtype, device=flow.device),
        indexing="ij",
    )
    grid = torch.stack(
        [
            2 * (x + flow[:, 0]) / max(width - 1, 1) - 1,
            2 * (y + flow[:, 1]) / max(height - 1, 1) - 1,
        ],
        -1,
    )  # (N,H,W,2)
    ones = frames.new_ones(len(frames), 1, height, width)
    inside = grid_sample(ones, grid, align_corners=True) >= _INSIDE
    return grid_sample(frames, grid, align_corners=True), inside


def visible(backward: Tensor, forward: Tensor) -> Tensor:
    """Tell which pixels the frame before shows, too.

    Args:
        backward: (N,2,H,W) flow from each frame to the one before, in pixels.
        forward: (N,2,H,W) flow from the one before to each frame.

    Returns:
        (N,1,H,W) bool.
    """
    returned, inside = warp(forward, backward)
    trip = (backward + returned).square().sum(1, keepdim=True)
    length = backward.square().sum(1, keepdim=True) + returned.square().sum(1, keepdim=True)
    return inside & (trip <= _RELATIVE * length + _ABSOLUTE)


def warping_error(
    frames: Tensor, holes: Tensor, backward: Tensor, seen: Tensor | None = None
) -> float | None:
    """Return the mean squared difference of hole pixels to the frame before, moved by the flow.

    Args:
        frames: (T,3,H,W) in [0,1], filled.
        holes: (T,1,H,W), 1 = hole.
        backward: (T-1,2,H,W) flow of the clean clip from frame t to t - 1, in pixels.
        seen: (T-1,1,H,W) True where the frame before shows the pixel; None is everywhere inside.

    Returns:
        The mean over pixels and channels, in double precision; None without such a pixel.
    """
    if len(frames) < 2:
        return None
    moved, inside = warp(frames[:-1], backward)
    counts = inside & (holes[1:] > 0)
    if seen is not None:
        counts = counts & seen
    error = (frames[1:] - moved).double().square().mean(1, keepdim=True)[counts]
    return float(error.mean()) if error.numel() else None
