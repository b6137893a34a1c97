"""Losses of a refining network, each divided by the starting fill's own loss.

A loss of 1 is the fill itself, so hard clips weigh no more than easy ones; the squared term then
falls with the mean gain in decibels, which is what validation reports. Errors are measured inside
the hole only: over the whole frame, as in the published code, the gradient of a small hole vanishes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lgtsm.metrics.perceptual import SqueezeNetFeatures, distance_of_features

from ..recipe import RatioLosses

_L2_FLOOR = 4e-3
"""Squared error (24 dB) around which a fill counts as nearly done. With 1e-3 the many static clips
dominated, and clips with a moving camera, which need the network most, gained half as much."""
_L1_FLOOR = 2e-2
"""Absolute error; set by hand, not swept."""
_PERCEPTUAL_FLOOR = 1e-2
"""Perceptual distance; set by hand, not swept."""


def refine_losses(
    result: Tensor,
    fill: Tensor,
    truth: Tensor,
    holes: Tensor,
    *,
    net: SqueezeNetFeatures | None,
    weights: RatioLosses,
) -> dict[str, Tensor]:
    """Compare the errors of a network's result and of its starting fill.

    Args:
        result: (T,3,h,w) raw prediction.
        fill: (T,3,h,w) what the network started from.
        truth: (T,3,h,w).
        holes: (T,1,h,w), 1 = hole; a clip without a hole gives zero losses.
        net: features for the perceptual term, or None to leave it out.
        weights: of the terms.

    Returns:
        Scalars: the ratios l1, l2 and perceptual, and their weighted sum, total; gradients flow to
        `result` only.
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
    return {"l1": l1, "l2": l2, "perceptual": perceptual, "total": total}
