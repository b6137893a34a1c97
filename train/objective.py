"""The training objective: from a batch to a prediction, from a prediction to a stage's losses."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from lgtsm.errors import OptionError
from lgtsm.models.network import CombCNNetwork, Network

from .data.sampling import Batch
from .losses import reconstruction as pixels
from .losses.features import perceptual_loss, style_loss
from .losses.perceptual import PerceptualNet, distance_features, squared_channels
from .losses.refine import refine_losses
from .process_group import ProcessGroup
from .recipe import Divisors, PixelLosses, RatioLosses


@dataclass(frozen=True)
class Prediction:
    """A network's output for a batch.

    raw: (B,T,3,h,w), not clamped; composed: with the truth outside the holes; incomplete: the
    half-size video (B,T,3,h/2,w/2) of CombCN, None elsewhere.
    """

    raw: Tensor
    composed: Tensor
    incomplete: Tensor | None = None


def autocast(device: torch.device, dtype: torch.dtype | None):
    """Return a context that computes in a half precision, or does nothing for None."""
    if dtype is None:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype)


def predict(network: Network, batch: Batch, dtype: torch.dtype | None = None) -> Prediction:
    """Run a network on a batch.

    Args:
        network: of any family.
        batch: with a candidate fill if the family starts from one.
        dtype: half precision of the network's body, None for float32.
    """
    incomplete = None
    if (candidate := batch.candidate) is not None:
        num_frames = batch.truth.shape[1]
        with autocast(batch.truth.device, dtype):
            truth, holes = (
                rearrange(x, "b t c h w -> (b t) c h w") for x in (batch.truth, batch.holes)
            )
            stacked = network.encode(truth, holes, candidate=candidate)
            output = network.trunk(rearrange(stacked, "(b t) c h w -> b t c h w", t=num_frames))
        output = rearrange(output.float(), "b t c h w -> (b t) c h w")
        raw = network.decode(output, candidate)
        raw = rearrange(raw, "(b t) c h w -> b t c h w", t=num_frames)
    else:
        with autocast(batch.truth.device, dtype):
            if isinstance(network, CombCNNetwork):
                both = network.forward_all(batch.truth, batch.holes)
                raw, incomplete = both["raw"].float(), both["incomplete"].float()
            else:
                raw = network(batch.truth, batch.holes).float()
    return Prediction(raw, pixels.compose(raw, batch.truth, batch.holes), incomplete)


@dataclass(frozen=True)
class Areas:
    """Hole pixels that losses are divided by: of the video, and of CombCN's half-size one."""

    full: Tensor
    half: Tensor | None = None

    def of_part(self, share: float) -> Areas:
        """Return the divisors for a share of the batch, so that the parts' losses add up."""
        return Areas(self.full * share, None if self.half is None else self.half * share)


def areas_of(weights: RatioLosses | PixelLosses, batch: Batch, group: ProcessGroup) -> Areas:
    """Count the hole pixels of a batch, averaged over the processes that share it.

    The mean of all processes' losses is then that of the whole batch.
    """
    full = group.mean(pixels.hole_area(batch.holes))
    if isinstance(weights, RatioLosses) or not weights.incomplete:
        return Areas(full)
    small = pixels.half_size(batch.truth, batch.holes)[1]
    return Areas(full, group.mean(pixels.hole_area(small)))


def stage_losses(
    weights: RatioLosses | PixelLosses,
    prediction: Prediction,
    batch: Batch,
    net: PerceptualNet | None,
    areas: Areas | None = None,
) -> dict[str, Tensor]:
    """Compute every loss of a stage that has a weight; the generator loss is added elsewhere.

    Args:
        weights: of the losses.
        prediction: of the network.
        batch: with the truth.
        net: for perceptual and style losses; without it they are left out.
        areas: hole pixels to divide by; None counts those of this batch.

    Returns:
        Scalars by name, unweighted, and `total`, their weighted sum.
    """
    if isinstance(weights, RatioLosses):
        return _ratio_losses(weights, prediction, batch, net)
    found: dict[str, Tensor] = {}
    raw, truth, holes = prediction.composed, batch.truth, batch.holes
    areas = areas or areas_of(weights, batch, ProcessGroup())
    if weights.l1:
        found["l1"] = pixels.frame_l1(raw, truth)
    if weights.masked_l1:
        found["masked_l1"] = pixels.frame_l1_in_holes(raw, truth, holes)
    if weights.hole_l1:
        found["hole_l1"] = pixels.hole_l1(raw, truth, holes, areas.full)
    if weights.complete:
        found["complete"] = pixels.hole_l1(raw, truth, holes, areas.full)
    if weights.incomplete and prediction.incomplete is not None:
        found["incomplete"] = pixels.incomplete_l1(prediction.incomplete, truth, holes, areas.half)
    if weights.variation:
        found["variation"] = pixels.total_variation(raw, holes)
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
    zero = prediction.raw.sum() * 0
    found["total"] = sum((getattr(weights, k) * v for k, v in found.items()), zero)
    return found


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
