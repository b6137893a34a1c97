"""Discriminators in training: what the network and its discriminator learn from each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Adam

from lgtsm.models.discriminator import Discriminator
from lgtsm.models.neighbours.patch_discriminator import PatchDiscriminator

from .data.batch import Batch
from .losses.adversarial import discriminator_loss, generator_loss, scores_of
from .losses.carrying import fooling_losses, judging_losses
from .objective import Prediction, autocast
from .recipe import AdversaryRecipe, PatchAdversaryRecipe


@dataclass(frozen=True)
class Adversary(ABC):
    """A discriminator and its optimiser.

    weights: of what `fooling` returns, in the network's total.
    learning_rate: peak of its own schedule; 0 takes the network's.
    """

    discriminator: nn.Module
    optimizer: Adam
    weights: Mapping[str, float]
    learning_rate: float

    @abstractmethod
    def judged(self, prediction: Prediction) -> Tensor:
        """Return the part of a prediction that is judged."""

    @abstractmethod
    def fooling(self, judged: Tensor, batch: Batch, dtype: torch.dtype | None) -> dict[str, Tensor]:
        """Return the network's losses by name, unweighted; no gradient for the discriminator.

        Args:
            judged: of the network's prediction for the batch.
            batch: with the truth.
            dtype: half precision of the discriminator, None for float32.
        """

    @abstractmethod
    def judging(self, judged: Tensor, batch: Batch, dtype: torch.dtype | None) -> Tensor:
        """Return the discriminator's loss; arguments as of `fooling`, without gradients."""


@dataclass(frozen=True)
class ClipAdversary(Adversary):
    """Scores of whole clips, composed with the truth outside the holes; see `losses.adversarial`."""

    recipe: AdversaryRecipe

    def judged(self, prediction: Prediction) -> Tensor:
        """Return the composed clips."""
        return prediction.composed

    def fooling(self, judged: Tensor, batch: Batch, dtype: torch.dtype | None) -> dict[str, Tensor]:
        """Return `generator`."""
        kind = self.recipe.kind
        scores = scores_of(kind, self._logits(judged, batch, dtype))
        return {"generator": generator_loss(kind, scores)}

    def judging(self, judged: Tensor, batch: Batch, dtype: torch.dtype | None) -> Tensor:
        """Return the loss on the truth and on what was filled."""
        kind = self.recipe.kind
        real, fake = (scores_of(kind, self._logits(x, batch, dtype)) for x in (batch.truth, judged))
        return discriminator_loss(kind, real, fake)

    def _logits(self, clips: Tensor, batch: Batch, dtype: torch.dtype | None) -> Tensor:
        with autocast(clips.device, dtype):
            return self.discriminator(clips, batch.holes).float()


@dataclass(frozen=True)
class PatchAdversary(Adversary):
    """Scores of patches of single pictures, as guided inpainting is trained; see `losses.carrying`."""

    discriminator: PatchDiscriminator
    penalty: float

    def judged(self, prediction: Prediction) -> Tensor:
        """Return the raw pictures (B,3,h,w), their known part too, as published."""
        return prediction.raw[:, 0]

    def fooling(self, judged: Tensor, batch: Batch, dtype: torch.dtype | None) -> dict[str, Tensor]:
        """Return `adversarial` and `features`."""
        return fooling_losses(self.discriminator, judged, batch.target[0])

    def judging(self, judged: Tensor, batch: Batch, dtype: torch.dtype | None) -> Tensor:
        """Return the loss on real and painted patches, with the penalty on the slope."""
        losses = judging_losses(self.discriminator, judged, *batch.target)
        return losses["judging"] + self.penalty * losses["penalty"]


def build_discriminator(recipe: AdversaryRecipe | PatchAdversaryRecipe) -> nn.Module:
    """Return an untrained discriminator on the CPU."""
    if isinstance(recipe, PatchAdversaryRecipe):
        return PatchDiscriminator()
    return Discriminator(recipe.discriminator)


def make_adversary(
    recipe: AdversaryRecipe | PatchAdversaryRecipe, discriminator: nn.Module, optimizer: Adam
) -> Adversary:
    """Pair a discriminator of `build_discriminator` with its optimiser."""
    if isinstance(recipe, PatchAdversaryRecipe):
        assert isinstance(discriminator, PatchDiscriminator)  # its recipe says so
        weights = {"adversarial": recipe.adversarial, "features": recipe.features}
        rate, penalty = recipe.learning_rate, recipe.penalty
        return PatchAdversary(discriminator, optimizer, weights, rate, penalty)
    weights = {"generator": recipe.weight}
    return ClipAdversary(discriminator, optimizer, weights, recipe.learning_rate, recipe)
