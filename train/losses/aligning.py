"""The six losses of DFPN; Alvarez 2020 (thesis, ETH)."""

from __future__ import annotations

import torch
from torch import Tensor

from lgtsm.models.neighbours.dfpn import DenseFlow, Dfpn
from lgtsm.models.neighbours.frames import Views, align_along, resize


def aligning_losses(
    network: Dfpn, found: DenseFlow, views: Views, true_flow: Tensor, known: Tensor
) -> dict[str, Tensor]:
    """Compare a flow with the known one, and what it aligns with the target.

    Args:
        network: that found the flow; its frozen features give the correlation to be reached.
        found: of `views`.
        views: of the network's own size, as in the published training, with the truth under the holes.
        true_flow: (B,R,2,h,w), absolute positions as of `DenseFlow`.
        known: (B,) bool, whether an item has such a flow; the others count for correlation and
            alignment alone.

    Returns:
        Scalars `correlation`, `flow_16`, `flow_64`, `flow_256`, `aligned_64`, `aligned_256`.
    """
    hole, holes = torch.zeros_like(views.hole), torch.zeros_like(views.reference_holes)
    wanted = network.raw_correlation(Views(views.target, hole, views.references, holes))
    losses = {"correlation": (found.correlation - wanted).abs().mean()}
    for name, flow in (("16", found.flow_16), ("64", found.flow_64), ("256", found.flow)):
        wanted_flow = resize(true_flow, (flow.shape[-2], flow.shape[-1]), mode="nearest")
        difference = (flow - wanted_flow)[known].abs()
        losses[f"flow_{name}"] = difference.mean() if len(difference) else flow.sum() * 0
    for name, flow in (("64", found.flow_64), ("256", found.flow)):
        losses[f"aligned_{name}"] = _aligned_l1(views, flow)
    return losses


def _aligned_l1(views: Views, flow: Tensor) -> Tensor:
    """Return the L1 distance of target and samples, summed over channels as published.

    The holes of the references count, as published: their colour is compared too.
    """
    size = (flow.shape[-2], flow.shape[-1])
    target, references = (resize(x, size) for x in views.filled())
    hole = resize(views.hole, size, mode="nearest")[:, None]
    shown = torch.zeros_like(references[:, :, :1])
    samples = align_along(Views(target, hole[:, 0], references, shown), flow).frames
    inside = ((flow >= -1) & (flow <= 1)).all(2, keepdim=True)
    weight = (1 - hole) * inside
    return ((target[:, None] - samples).abs() * weight).sum() / (weight.sum() + 1e-9)
