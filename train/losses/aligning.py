"""The six losses of DFPN; Alvarez 2020 (thesis, ETH). Their plain sum is minimised."""

from __future__ import annotations

import torch
from torch import Tensor

from lgtsm.models.neighbours.dfpn import CELLS, DenseFlow, Dfpn, align_along
from lgtsm.models.neighbours.frames import Views, normalise, resize


def aligning_losses(
    network: Dfpn, found: DenseFlow, views: Views, true_flow: Tensor, known: Tensor
) -> dict[str, Tensor]:
    """Compare a flow with the known one, and what it aligns with the target.

    Args:
        network: that found the flow; its frozen features give the correlation to be reached.
        found: of `views`.
        views: of 256x256, as in the published training, with the truth under the holes.
        true_flow: (B,R,2,256,256), absolute positions as of `DenseFlow`.
        known: (B,) bool, whether an item has such a flow; the others count for correlation and
            alignment alone.

    Returns:
        Scalars `correlation`, `flow_16`, `flow_64`, `flow_256`, `aligned_64`, `aligned_256`.
    """
    plain = Views(
        normalise(views.target),
        torch.zeros_like(views.hole),
        normalise(views.references),
        torch.zeros_like(views.reference_holes),
    )
    wanted = network.raw_correlation(plain)
    losses = {"correlation": (found.correlation - wanted).abs().mean()}
    for side, flow in ((CELLS, found.flow_16), (64, found.flow_64), (256, found.flow)):
        wanted_flow = resize(true_flow, (side, side), mode="nearest")
        difference = (flow - wanted_flow)[known].abs()
        losses[f"flow_{side}"] = difference.mean() if len(difference) else flow.sum() * 0
    for side, flow in ((64, found.flow_64), (256, found.flow)):
        losses[f"aligned_{side}"] = _aligned_l1(views, flow, side)
    return losses


def _aligned_l1(views: Views, flow: Tensor, side: int) -> Tensor:
    """Return the L1 distance of target and samples, summed over channels as published.

    The holes of the references count, as published: their colour is compared too.
    """
    target, references = (resize(x, (side, side)) for x in views.filled())
    hole = resize(views.hole, (side, side), mode="nearest")[:, None]
    shown = torch.zeros_like(references[:, :, :1])
    samples = align_along(Views(target, hole[:, 0], references, shown), flow).frames
    inside = ((flow >= -1) & (flow <= 1)).all(2, keepdim=True)
    weight = (1 - hole) * inside
    return ((target[:, None] - samples).abs() * weight).sum() / (weight.sum() + 1e-9)
