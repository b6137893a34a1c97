"""Temporal warping loss: a frame should equal the one before it, moved by the flow.

Source: the published code's `TemporalWarpingLoss`, after Lai et al. 2018; in none of its shipped
configurations. Flows are given: no flow network comes with this project.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from .reconstruction import hole_l1

_SHARPNESS = 50.0
"""Decay of the visibility with the squared difference (Lai et al. 2018, equation 4)."""
_INSIDE = 0.9999
"""Sampled weight from which on a pixel counts as inside the frame before."""


def warp_back(frames: Tensor, flow: Tensor) -> Tensor:
    """Sample frames at where each pixel was one frame earlier.

    Args:
        frames: (N,C,h,w) the frames before.
        flow: (N,2,h,w) forward flow from these to the next, x then y, in pixels.

    Returns:
        (N,C,h,w), 0 where the pixel comes from outside.
    """
    height, width = frames.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=flow.device, dtype=flow.dtype),
        torch.arange(width, device=flow.device, dtype=flow.dtype),
        indexing="ij",
    )
    columns = 2 * (x - flow[:, 0]) / max(width - 1, 1) - 1
    rows = 2 * (y - flow[:, 1]) / max(height - 1, 1) - 1
    grid = torch.stack([columns, rows], -1)  # (N,h,w,2)
    sampled = grid_sample(frames, grid, align_corners=True)
    weight = grid_sample(torch.ones_like(frames), grid, align_corners=True)
    return sampled * (weight >= _INSIDE)


def warping_loss(result: Tensor, truth: Tensor, holes: Tensor, flow: Tensor) -> Tensor:
    """Compare every frame with its predecessor, moved, where the truth shows the same thing.

    Args:
        result: (B,T,3,h,w).
        truth: (B,T,3,h,w).
        holes: (B,T,1,h,w), 1 = hole.
        flow: (B,T-1,2,h,w) forward flow of the truth, in pixels.

    Returns:
        A scalar as `hole_l1` over all frames but the first; 0 for a single frame.
    """
    if result.shape[1] < 2:
        return result.new_zeros(())
    flows = flow.flatten(0, 1)
    batch = result.shape[0]

    def moved(frames: Tensor) -> Tensor:
        return warp_back(frames[:, :-1].flatten(0, 1), flows).unflatten(0, (batch, -1))

    change = truth[:, 1:] - moved(truth)
    # the square of the sum over channels, as published
    seen = torch.exp(-_SHARPNESS * change.sum(2, keepdim=True).square())
    return hole_l1(seen * result[:, 1:], seen * moved(result), holes[:, 1:])
