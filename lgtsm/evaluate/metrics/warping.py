"""Warping error: does the fill move the way the clean clip moves?

Source: Lai et al. 2018, "Learning Blind Video Temporal Consistency", equation 5: squared difference
to the previous frame, warped by the flow, over pixels visible in both. We differ in that only hole
pixels count and that occlusion is found by the forward-backward check of Sundaram et al. 2010.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

_RELATIVE, _ABSOLUTE = 0.01, 0.5
"""Sundaram et al. 2010, equation 5: tolerance relative to the flow, and in squared pixels."""
_INSIDE = 0.9999
"""Least bilinear weight inside the frame at which a sample counts as inside; 1 up to rounding."""


def warp(frames: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """Warp frames backward by a flow, bilinearly.

    Not kornia's `remap`, which normalises in another order (2e-5 off) and takes twice as long.

    Args:
        frames: (N,C,H,W).
        flow: (N,2,H,W) in pixels, x then y: offset at which `frames` is sampled.

    Returns:
        (N,C,H,W), 0 outside, and (N,1,H,W) True where the sample is inside the frame.
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
    """Return which pixels are visible in the previous frame, too.

    Args:
        backward: (N,2,H,W) flow from each frame to the previous one, in pixels.
        forward: (N,2,H,W) flow from the previous frame to each frame.

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
    """Return the mean squared difference of hole pixels to the previous frame, warped by the flow.

    Args:
        frames: (T,3,H,W) in [0,1], filled.
        holes: (T,1,H,W), 1 = hole.
        backward: (T-1,2,H,W) flow of the clean clip from frame t to t - 1, in pixels.
        seen: (T-1,1,H,W) True where the previous frame shows the pixel; None: everywhere inside.

    Returns:
        The mean over pixels and channels, in double precision; None if no pixel counts.
    """
    if len(frames) < 2:
        return None
    moved, inside = warp(frames[:-1], backward)
    counts = inside & (holes[1:] > 0)
    if seen is not None:
        counts = counts & seen
    error = (frames[1:] - moved).double().square().mean(1, keepdim=True)[counts]
    return float(error.mean()) if error.numel() else None
