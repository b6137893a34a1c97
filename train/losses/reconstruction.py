"""Pixel losses, published ones and our own.

Source: Chang et al. 2019 (LGTSM), section 3.4, and the published code where the two differ. The
published L1 is divided by the number of all pixels, so the gradient of a small hole nearly vanishes;
our own recipes use the mean over the hole, as CombCN does (Wang et al. 2019).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate


def frame_l1(result: Tensor, truth: Tensor) -> Tensor:
    """Return mean |result - truth| over every pixel and channel (published `ReconLoss`)."""
    return (result - truth).abs().mean()


def frame_l1_in_holes(result: Tensor, truth: Tensor, holes: Tensor) -> Tensor:
    """Return the absolute difference inside the holes, a mean over all pixels and channels.

    The published masked `ReconLoss`; for a composite it equals `frame_l1`.
    """
    return ((result - truth) * holes).abs().mean()


def hole_area(holes: Tensor) -> Tensor:
    """Return the number of hole pixels as a scalar, at least 1 to avoid a division by zero."""
    return holes.sum().clamp_min(1.0)


def hole_l1(result: Tensor, truth: Tensor, holes: Tensor, area: Tensor | None = None) -> Tensor:
    """Return the absolute difference in the holes, a mean over pixels and a sum over channels.

    Published as `L1LossMaskedMean`: three times the mean over channels.

    Args:
        result: (...,3,h,w).
        truth: (...,3,h,w).
        holes: (...,1,h,w), 1 = hole.
        area: divisor, where several processes share a batch; None counts the hole pixels.

    Returns:
        A scalar, 0 without any hole.
    """
    area = hole_area(holes) if area is None else area
    return ((result - truth) * holes).abs().sum() / area


def half_size(clips: Tensor) -> Tensor:
    """Return every second pixel (B,T,C,h/2,w/2) of clips (B,T,C,h,w), as published."""
    size = (clips.shape[3] // 2, clips.shape[4] // 2)
    frames = interpolate(clips.flatten(0, 1), size=size, mode="nearest")
    return frames.unflatten(0, clips.shape[:2])


def incomplete_l1(
    incomplete: Tensor, truth: Tensor, holes: Tensor, area: Tensor | None = None
) -> Tensor:
    """Return CombCN's loss on its half-size video (Wang et al. 2019, equation 2).

    Args:
        incomplete: (B,T,3,h/2,w/2) output of the 3-D part.
        truth: (B,T,3,h,w).
        holes: (B,T,1,h,w), 1 = hole.
        area: of the half-size holes, see `hole_l1`.
    """
    return hole_l1(incomplete, half_size(truth), half_size(holes), area)


def total_variation(result: Tensor, holes: Tensor) -> Tensor:
    """Return squared differences of neighbouring pixels over the number of known pixels.

    Published as `TVLoss` (weight 0.1, in the partial-convolution configuration only): one quotient
    per frame and clip, then the mean.

    Args:
        result: (B,T,3,h,w).
        holes: (B,T,1,h,w), 1 = hole.
    """
    down = (result[..., 1:, :] - result[..., :-1, :]).square().sum((2, 3, 4))
    across = (result[..., 1:] - result[..., :-1]).square().sum((2, 3, 4))
    known = (1 - holes).sum((2, 3, 4)).clamp_min(1.0)
    return ((down + across) / known).mean()


def compose(result: Tensor, truth: Tensor, holes: Tensor) -> Tensor:
    """Return the result inside the holes and the truth outside, not clamped."""
    return torch.where(holes > 0, result, truth)
