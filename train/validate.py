"""Validation: how much better than its baseline a network is on held-out items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from lgtsm.fills.smooth import smooth_fill
from lgtsm.metrics.no_reference import clip_flicker
from lgtsm.metrics.perceptual import SqueezeNetFeatures, distance_of_features
from lgtsm.models.network import Network

from .data.sampling import Batch
from .objective import predict


@dataclass(frozen=True)
class Score:
    """Means over items; the baseline is the fill that the network starts from, or the smooth fill.

    psnr, baseline_psnr: inside the hole, in dB; distance, baseline_distance: perceptual, times
    1000, 0 without features; flicker: temporal change in the hole over that around it, 1 is equal.
    """

    psnr: float
    baseline_psnr: float
    distance: float
    baseline_distance: float
    flicker: float

    def better_than(self, other: Score | None) -> bool:
        """Return whether this score is better: by distance, by PSNR without features."""
        if other is None:
            return True
        if self.distance or other.distance:
            return self.distance < other.distance
        return self.psnr > other.psnr


def best_of(rows: Iterable[Mapping[str, str]]) -> Score | None:
    """Return the best score of a log's rows, None without any."""
    best = None
    for row in rows:
        score = Score(**{field.name: float(row[field.name]) for field in fields(Score)})
        best = score if score.better_than(best) else best
    return best


def baseline_of(batch: Batch) -> Tensor:
    """Return the baseline of every frame (B,T,3,h,w)."""
    if batch.candidate is not None:
        return batch.candidate.fill.unflatten(0, batch.truth.shape[:2])
    truth, holes = batch.truth.flatten(0, 1), batch.holes.flatten(0, 1)
    return smooth_fill(truth * (1 - holes), holes).unflatten(0, batch.truth.shape[:2])


def _psnr(result: Tensor, batch: Batch) -> float:
    area = 3 * batch.holes.sum()
    error = ((result - batch.truth).square() * batch.holes).sum() / area
    return float(-10 * torch.log10(error + 1e-10))


@torch.no_grad()
def validate(network: Network, items: Iterable[Batch], net: SqueezeNetFeatures | None) -> Score:
    """Score a network in eval mode on held-out batches of one item; those without hole are skipped.

    The features `net` measure the perceptual distance.
    """
    rows: list[list[float]] = []
    flickers: list[float] = []
    for item in items:
        if not item.holes.any():
            continue
        composed = predict(network, item).composed.clamp(0, 1)
        baseline = torch.where(item.holes > 0, baseline_of(item), item.truth)
        distances = [0.0, 0.0]
        if net is not None:
            wanted = net(item.truth.flatten(0, 1))
            distances = [
                1000 * float(distance_of_features(net(x.flatten(0, 1)), wanted).mean())
                for x in (composed, baseline)
            ]
        rows.append([_psnr(composed, item), _psnr(baseline, item), *distances])
        flicker = clip_flicker(composed[0].cpu(), item.holes[0].cpu())
        if flicker is not None:
            flickers.append(flicker)
    means = torch.tensor(rows).mean(0).tolist() if rows else [0.0] * 4
    means.append(sum(flickers) / max(1, len(flickers)))
    return Score(*means)
