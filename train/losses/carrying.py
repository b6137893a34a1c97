"""Losses of guided inpainting; Esser et al. 2022 (arXiv 2205.09731).

The published training also compares features of a segmentation network; no weights of it come with
this package, and here any network of `losses.perceptual` can take its place.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd import grad
from torch.nn.functional import interpolate, mse_loss, softplus

from lgtsm.models.neighbours.patch_discriminator import PatchDiscriminator


def known_l1(predicted: Tensor, truth: Tensor, hole: Tensor) -> Tensor:
    """Return the L1 distance (mean over all pixels) where the frame is known: nothing in the hole."""
    return ((predicted - truth).abs() * (1 - hole)).mean()


def perceptual_mse(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Return the summed squared distances of feature maps."""
    return torch.stack([mse_loss(a, b) for a, b in zip(found, wanted, strict=True)]).sum()


def fooling_losses(
    discriminator: PatchDiscriminator, predicted: Tensor, truth: Tensor
) -> dict[str, Tensor]:
    """Return what the generator learns from the discriminator, `adversarial` and `features`.

    Args:
        discriminator: whose parameters should not require gradients meanwhile.
        predicted: (B,3,h,w), the whole prediction, its known part too, as published.
        truth: (B,3,h,w).
    """
    logits, found = discriminator(predicted)
    with torch.no_grad():
        _, wanted = discriminator(truth)
    return {
        "adversarial": softplus(-logits).mean(),
        "features": perceptual_mse(found, wanted) / len(found),
    }


def judging_losses(
    discriminator: PatchDiscriminator, predicted: Tensor, truth: Tensor, hole: Tensor
) -> dict[str, Tensor]:
    """Return what the discriminator learns: `judging`, and a `penalty` on its slope at real frames.

    Args:
        discriminator: in training.
        predicted: (B,3,h,w), without gradients.
        truth: (B,3,h,w).
        hole: (B,1,h,w): known pixels of the prediction count as real.
    """
    truth = truth.detach().requires_grad_()
    real, _ = discriminator(truth)
    fake, _ = discriminator(predicted.detach())
    size = (fake.shape[-2], fake.shape[-1])
    painted = interpolate(hole, size=size, mode="nearest")
    on_fake = painted * softplus(fake) + (1 - painted) * softplus(-fake)
    (slope,) = grad(real.sum(), truth, create_graph=True)
    return {
        "judging": softplus(-real).mean() + on_fake.mean(),
        "penalty": slope.square().sum((1, 2, 3)).mean(),
    }
