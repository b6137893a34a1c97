"""Validation: how much better than its baseline a network is on held-out items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from lgtsm.fills.smooth import smooth_fill
from lgtsm.metrics.no_reference import clip_flicker
from lgtsm.metrics.perceptual import SqueezeNetFeatures, distance_of_features
from lgtsm.models.neighbours.frames import Aligner
from lgtsm.models.network import Network

from .data.batch import Batch
from .neighbours import judged_part, learn_moved
from .objective import predict


@dataclass(frozen=True)
class Score:
    """Means over items; the baseline is that of `compared`.

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


@dataclass(frozen=True)
class Comparison:
    """What is scored of one item: the clip, or the target alone (T = 1) of moved pictures.

    part: truth and holes; composed: the result inside the holes; baseline: likewise.
    """

    part: Batch
    composed: Tensor
    baseline: Tensor


@torch.no_grad()
def compared(network: nn.Module, item: Batch, aligner: Aligner | None = None) -> Comparison:
    """Run a network in eval mode on a batch.

    Args:
        network: of any family.
        item: for it.
        aligner: of CHN, see `learn_moved`.

    Returns:
        The result beside a baseline: the fill that the network starts from, or the smooth fill; for
        networks that align, the reference as it is.
    """
    part, baseline = item, None
    if item.flow is None:
        assert isinstance(network, Network)  # its recipe says so
        result = predict(network, item).raw
    else:
        part, baseline = judged_part(network, item)
        result = learn_moved(network, item, None, aligner)[0][:, None]
    if baseline is None:
        baseline = baseline_of(part)
    inside = part.holes > 0
    return Comparison(
        part,
        torch.where(inside, result, part.truth).clamp(0, 1),
        torch.where(inside, baseline, part.truth),
    )


def _psnr(result: Tensor, batch: Batch) -> float:
    area = 3 * batch.holes.sum()
    error = ((result - batch.truth).square() * batch.holes).sum() / area
    return float(-10 * torch.log10(error + 1e-10))


@torch.no_grad()
def validate(
    network: nn.Module,
    items: Iterable[Batch],
    net: SqueezeNetFeatures | None,
    aligner: Aligner | None = None,
) -> Score:
    """Score a network in eval mode on held-out batches of one item; those without hole are skipped.

    The features `net` measure the perceptual distance; the aligner is that of `compared`.
    """
    rows: list[list[float]] = []
    flickers: list[float] = []
    for batch in items:
        found = compared(network, batch, aligner)
        item, composed, baseline = found.part, found.composed, found.baseline
        if not item.holes.any():
            continue
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
