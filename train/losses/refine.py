"""Losses of a refining net, each as a share of the starting fill's own loss.

A refining net starts from a fill, so a loss of 1 is the fill itself and hard clips weigh no more
than easy ones; the squared term then falls with the mean gain in decibels, which is what is
reported. Both are measured inside the hole only: over the whole frame, as in the published code,
the gradient of a small hole vanishes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lgtsm.metrics.perceptual import SqueezeNetFeatures, distance_of_features

from ..recipe import RatioLosses

_L2_FLOOR = 4e-3
"""Squared error (24 dB) around which a fill counts as nearly done: with 1e-3 the many static clips
ruled, and clips with a moving camera, which need the network most, gained half as much."""
_L1_FLOOR = 2e-2
_PERCEPTUAL_FLOOR = 1e-2


@dataclass(frozen=True)
class Losses:
    """Shares of the fill's own loss: l1, l2, perceptual (scalars), and their weighted total."""

    l1: Tensor
    l2: Tensor
    perceptual: Tensor
    total: Tensor


def refine_losses(
    result: Tensor,
    fill: Tensor,
    truth: Tensor,
    holes: Tensor,
    *,
    net: SqueezeNetFeatures | None,
    weights: RatioLosses,
) -> Losses:
    """Compare a network's result and its starting fill with the truth.

    Args:
        result: (T,3,h,w) raw prediction.
        fill: (T,3,h,w) what the network started from.
        truth: (T,3,h,w).
        holes: (T,1,h,w), 1 = hole; a clip without hole gives zero losses.
        net: features for the perceptual term, or None to leave it out.
        weights: of the terms.

    Returns:
        The losses; gradients flow to `result` only.
    """
    area = 3 * holes.sum().clamp_min(1.0)

    def inside(difference: Tensor) -> Tensor:
        return (difference * holes).sum() / area

    l1 = inside((result - truth).abs())
    l2 = inside((result - truth).square())
    with torch.no_grad():
        fill_l1 = inside((fill - truth).abs())
        fill_l2 = inside((fill - truth).square())
    l1 = l1 / (fill_l1 + _L1_FLOOR)
    l2 = l2 / (fill_l2 + _L2_FLOOR)
    perceptual = result.new_zeros(())
    if net is not None and weights.perceptual > 0:
        composed = holes * result + (1 - holes) * truth
        some = slice(None, None, weights.perceptual_step)
        with torch.no_grad():
            wanted = net(truth[some])
            fill_distance = distance_of_features(net(fill[some]), wanted).mean()
        distance = distance_of_features(net(composed[some]), wanted).mean()
        perceptual = distance / (fill_distance + _PERCEPTUAL_FLOOR)
    total = weights.l1 * l1 + weights.l2 * l2 + weights.perceptual * perceptual
    return Losses(l1, l2, perceptual, total)
