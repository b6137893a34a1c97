"""Adversarial losses of the discriminator and of the network that fills.

The paper (Chang et al. 2019, equations 7-8) has the hinge loss, printed with its signs reversed; the
published code trains with least squares on sigmoid scores. Both are here, with the two other kinds
that the code supports.
"""

from __future__ import annotations

from enum import Enum

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy


class Adversarial(Enum):
    """Kind of adversarial loss, and the scores it is computed on."""

    LSGAN = "lsgan"
    """Least squares on sigmoid scores (Mao et al. 2017), as the published code trains."""
    NSGAN = "nsgan"
    """Cross entropy on sigmoid scores (Goodfellow et al. 2014)."""
    L1 = "l1"
    """Absolute difference on sigmoid scores."""
    HINGE = "hinge"
    """Hinge on raw scores (Lim & Ye 2017), as in the paper."""


def scores_of(kind: Adversarial, logits: Tensor) -> Tensor:
    """Return the scores that a kind of loss is computed on, from a discriminator's raw output."""
    return logits if kind is Adversarial.HINGE else torch.sigmoid(logits)


def generator_loss(kind: Adversarial, scores: Tensor) -> Tensor:
    """Return the filling network's loss on scores of its filled clips."""
    if kind is Adversarial.HINGE:
        return -scores.mean()
    return _distance(kind, scores, 1.0)


def discriminator_loss(kind: Adversarial, real: Tensor, fake: Tensor) -> Tensor:
    """Return the discriminator's total loss: half the sum of both, unweighted, as published."""
    if kind is Adversarial.HINGE:
        return 0.5 * (torch.relu(1 - real).mean() + torch.relu(1 + fake).mean())
    return 0.5 * (_distance(kind, real, 1.0) + _distance(kind, fake, 0.0))


def _distance(kind: Adversarial, scores: Tensor, label: float) -> Tensor:
    if kind is Adversarial.LSGAN:
        return (scores - label).square().mean()
    if kind is Adversarial.L1:
        return (scores - label).abs().mean()
    return binary_cross_entropy(scores, torch.full_like(scores, label))
