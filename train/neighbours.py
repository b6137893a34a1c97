"""The objectives of DFPN, CHN and guided inpainting, on pictures moved by a known motion."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lgtsm.align.sampling import pixel_grid
from lgtsm.errors import OptionError
from lgtsm.models.neighbours.dfpn import Dfpn
from lgtsm.models.neighbours.frames import Aligner, align_along, to_pixels
from lgtsm.models.neighbours.guided import Guided
from lgtsm.models.painter import PainterNetwork

from .data.batch import Batch
from .losses.aligning import aligning_losses
from .losses.carrying import known_l1, perceptual_mse
from .losses.hallucinating import hallucinating_losses
from .losses.perceptual import PerceptualNet, Vgg16


def learn_moved(
    network: nn.Module, batch: Batch, net: PerceptualNet | None, aligner: Aligner | None
) -> tuple[Tensor, dict[str, Tensor]]:
    """Run a network on moved pictures and compare what it returns with the truth.

    Args:
        network: DFPN, CHN or guided inpainting.
        batch: with its flow.
        net: for perceptual terms, VGG-16 for CHN's; without it they are left out.
        aligner: brings references to the target for CHN; None takes the known motion.

    Returns:
        The target (B,3,h,w) as the network shows it, by its first reference, and its losses by name,
        unweighted.

    Raises:
        OptionError: another network.
    """
    views, flow = batch.views, batch.flow
    assert flow is not None  # all items of such recipes have one
    if isinstance(network, Dfpn):
        found = network(views)
        known = torch.ones(len(batch), dtype=torch.bool, device=flow.device)
        losses = aligning_losses(network, found, views, flow, known)
        return align_along(views, found.flow).frames[:, 0], losses
    if isinstance(network, PainterNetwork):
        aligned = align_along(views, flow) if aligner is None else aligner.align(views)
        painted = network.painter(views, aligned)
        pools = net.pools if isinstance(net, Vgg16) else None
        return painted.predicted[:, 0], hallucinating_losses(painted, views, aligned, pools)
    if isinstance(network, Guided):
        coords = to_pixels(flow, align_corners=True)
        motion = coords - pixel_grid(coords.shape[-2], coords.shape[-1], coords)
        predicted = network(views, motion, torch.zeros_like(motion[:, :, :1]))
        losses = {"l1": known_l1(predicted, *batch.target)}
        if net is not None:
            losses["perceptual"] = perceptual_mse(net.taps(predicted), net.taps(views.target))
        return predicted, losses
    raise OptionError(
        f"Expected dfpn, chn or guided, got a {type(network).__name__}; choose one of their recipes."
    )


def judged_part(network: nn.Module, batch: Batch) -> tuple[Batch, Tensor | None]:
    """Return the targets alone (T = 1), and what a network must better: None for a smooth fill.

    What aligns is judged where the first reference shows what the target's hole hides, against that
    reference as it is.
    """
    target, hole = batch.target
    baseline = None
    if isinstance(network, Dfpn):
        assert batch.flow is not None  # all items of such recipes have one
        hole = align_along(batch.views, batch.flow).gained[:, 0]
        baseline = batch.views.filled()[1][:, :1]
    return Batch(target[:, None], hole[:, None]), baseline
