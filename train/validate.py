"""Held-out numbers: how much better than the starting fill a network is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from lgtsm.metrics.perceptual import SqueezeNetFeatures, feature_distance
from lgtsm.models.network import Network

from .sampling import Item


@dataclass(frozen=True)
class Gain:
    """Mean over items of the result against the fill.

    decibels: hole PSNR of the result less that of the fill.
    distance_ratio: perceptual distance of the result over that of the fill; 1 without features.
    """

    decibels: float
    distance_ratio: float


@torch.no_grad()
def validate(network: Network, items: Iterable[Item], net: SqueezeNetFeatures | None) -> Gain:
    """Score a refining network on items.

    Args:
        network: the network.
        items: held-out items; those without any hole are left out.
        net: features for the perceptual distance, or None.

    Returns:
        The mean gain.
    """
    decibels, before, after = [], 0.0, 0.0
    for item in items:
        holes = item.holes
        if not holes.any():
            continue
        stacked = network.encode(item.truth, holes, evidence=item.evidence)
        result = network.decode(network.trunk(stacked[None])[0], item.evidence).clamp(0, 1)
        fill = item.evidence.fill
        errors = [((x - item.truth).square() * holes).sum() for x in (result, fill)]
        decibels.append(float(10 * torch.log10((errors[1] + 1e-9) / (errors[0] + 1e-9))))
        if net is not None:
            composed = torch.where(holes > 0, result, item.truth)
            after += float(feature_distance(net, composed, item.truth).mean())
            before += float(feature_distance(net, fill, item.truth).mean())
    ratio = after / before if before else 1.0
    return Gain(sum(decibels) / max(1, len(decibels)), ratio)
