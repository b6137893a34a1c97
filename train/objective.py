"""The training objective: from a batch to a prediction, from a prediction to a stage's losses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from lgtsm.errors import OptionError
from lgtsm.models.neighbours.frames import Aligner
from lgtsm.models.network import CombCNNetwork, Network

from .data.batch import Batch
from .losses import reconstruction as pixels
from .losses.features import perceptual_loss, style_loss
from .losses.perceptual import PerceptualNet, distance_features, squared_channels
from .losses.refine import refine_losses
from .neighbours import learn_moved
from .process_group import ProcessGroup
from .recipe import Divisors, Losses, PixelLosses, RatioLosses


@dataclass(frozen=True)
class Prediction:
    """A network's output for a batch.

    raw: (B,T,3,h,w), not clamped, the targets alone (T = 1) of moved pictures; composed: with the truth
    outside the holes; incomplete: the half-size video (B,T,3,h/2,w/2) of CombCN, None elsewhere.
    """

    raw: Tensor
    composed: Tensor
    incomplete: Tensor | None = None


def autocast(device: torch.device, dtype: torch.dtype | None) -> torch.autocast:
    """Return a context that computes in a half precision, or does nothing for None."""
    return torch.autocast(device.type, dtype, enabled=dtype is not None)


def learn(
    network: nn.Module,
    batch: Batch,
    losses: Losses,
    net: PerceptualNet | None = None,
    *,
    aligner: Aligner | None = None,
    areas: Tensor | None = None,
    dtype: torch.dtype | None = None,
) -> tuple[Prediction, dict[str, Tensor]]:
    """Run a network on a batch and compute its losses.

    Args:
        network: of any family.
        batch: with a candidate fill, or a flow, if the family needs one.
        losses: their weights.
        net: for perceptual and style losses; without it they are left out.
        aligner: of CHN, see `learn_moved`.
        areas: (2,) hole pixels to divide by, see `areas_of`; None counts those of this batch.
        dtype: half precision, None for float32; moved pictures are always learnt in float32.

    Returns:
        The prediction; scalars by name, unweighted, and `total`, their weighted sum.
    """
    if batch.flow is not None:
        raw, found = learn_moved(network, batch, net, aligner)
        truth, hole = (x[:, None] for x in batch.target)
        prediction = Prediction(raw[:, None], pixels.compose(raw[:, None], truth, hole))
        return prediction, found | {"total": _weighted(found, losses, raw)}
    assert isinstance(network, Network)  # its recipe says so
    assert isinstance(losses, RatioLosses | PixelLosses)
    prediction = predict(network, batch, dtype)
    with autocast(batch.truth.device, dtype):
        return prediction, stage_losses(losses, prediction, batch, net, areas)


def _weighted(found: dict[str, Tensor], losses: Losses, like: Tensor) -> Tensor:
    return sum((getattr(losses, name) * x for name, x in found.items()), like.sum() * 0)


def predict(network: Network, batch: Batch, dtype: torch.dtype | None = None) -> Prediction:
    """Run a network that fills clips on a batch.

    Args:
        network: of such a family.
        batch: with a candidate fill if the family starts from one.
        dtype: half precision of the network's body, None for float32.
    """
    truth, holes, candidate = batch.truth, batch.holes, batch.candidate
    incomplete = None
    with autocast(truth.device, dtype):
        if candidate is not None:
            stacked = network.encode(truth.flatten(0, 1), holes.flatten(0, 1), candidate=candidate)
            raw = network.trunk(stacked.unflatten(0, truth.shape[:2])).float()
        elif isinstance(network, CombCNNetwork):
            both = network.forward_all(truth, holes)
            raw, incomplete = both["raw"].float(), both["incomplete"].float()
        else:
            raw = network(truth, holes).float()
    if candidate is not None:
        raw = network.decode(raw.flatten(0, 1), candidate).unflatten(0, truth.shape[:2])
    return Prediction(raw, pixels.compose(raw, truth, holes), incomplete)


def areas_of(batch: Batch, group: ProcessGroup) -> Tensor:
    """Count the hole pixels (2,) of a batch at full and at half size.

    They are averaged over the processes that share the batch, so that the mean of all processes'
    losses is that of the whole batch.
    """
    sizes = (batch.holes, pixels.half_size(batch.holes))
    return group.mean(torch.stack([pixels.hole_area(holes) for holes in sizes]))


def stage_losses(
    weights: RatioLosses | PixelLosses,
    prediction: Prediction,
    batch: Batch,
    net: PerceptualNet | None,
    areas: Tensor | None = None,
) -> dict[str, Tensor]:
    """Compute every loss of a stage that has a weight; the generator loss is added elsewhere.

    Args:
        weights: of the losses.
        prediction: of the network.
        batch: with the truth.
        net: for perceptual and style losses; without it they are left out.
        areas: (2,) hole pixels to divide by, see `areas_of`; None counts those of this batch.

    Returns:
        Scalars by name, unweighted, and `total`, their weighted sum.
    """
    if isinstance(weights, RatioLosses):
        return _ratio_losses(weights, prediction, batch, net)
    raw, truth, holes, half = prediction.composed, batch.truth, batch.holes, prediction.incomplete
    full_area, half_area = areas_of(batch, ProcessGroup()) if areas is None else areas
    terms: dict[str, Callable[[], Tensor]] = {
        "l1": lambda: pixels.frame_l1(raw, truth),
        "masked_l1": lambda: pixels.frame_l1_in_holes(raw, truth, holes),
        "hole_l1": lambda: pixels.hole_l1(raw, truth, holes, full_area),
        "complete": lambda: pixels.hole_l1(raw, truth, holes, full_area),
        "variation": lambda: pixels.total_variation(raw, holes),
    }
    if half is not None:
        terms["incomplete"] = lambda: pixels.incomplete_l1(half, truth, holes, half_area)
    found = {name: term() for name, term in terms.items() if getattr(weights, name)}
    if net is not None and (weights.perceptual or weights.style):
        result = net.taps(raw.flatten(0, 1))
        with torch.no_grad():
            wanted = net.taps(truth.flatten(0, 1))
        if weights.perceptual:
            found["perceptual"] = perceptual_loss(result, wanted)
        if weights.style:
            of_net = weights.divisors is Divisors.NET
            divisors = net.divisors if of_net else squared_channels(wanted)
            found["style"] = style_loss(
                result, wanted, divisors, num_samples=len(batch), gram=weights.gram
            )
    return found | {"total": _weighted(found, weights, prediction.raw)}


def _ratio_losses(
    weights: RatioLosses, prediction: Prediction, batch: Batch, net: PerceptualNet | None
) -> dict[str, Tensor]:
    """Return the means over items of their ratios to the fill."""
    if batch.candidate is None:
        raise OptionError(
            "Expected candidate fills, which ratio losses are divided by, got a batch without; use "
            "PixelLosses for networks that start from black holes."
        )
    fills = rearrange(batch.candidate.fill, "(b t) c h w -> b t c h w", b=len(batch))
    items = [
        refine_losses(raw, fill, truth, holes, net=distance_features(net), weights=weights)
        for raw, fill, truth, holes in zip(
            prediction.raw, fills, batch.truth, batch.holes, strict=True
        )
    ]
    return {name: torch.stack([item[name] for item in items]).mean() for name in items[0]}
