"""One step of training: the network, then, where there is one, its discriminator.

Order of the published trainer: the network's losses with the discriminator as it stands, its step, then
one step of the discriminator on the truth and on the same filled clips, both composed with the true holes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain

import torch
from torch import Tensor, nn
from torch.optim import Adam

from lgtsm.models.discriminator import Discriminator
from lgtsm.models.network import Network

from .average import MovingAverage
from .data.sampling import Batch
from .losses.adversarial import discriminator_loss, fool_loss, scores_of
from .losses.perceptual import PerceptualNet
from .objective import areas_of, autocast, predict, stage_losses
from .process_group import ProcessGroup
from .recipe import AdversaryRecipe, Stage


@dataclass
class Learner:
    """Everything that a step changes.

    network, average, optimizer: what is trained; discriminator, discriminator_optimizer: None without an
    adversary; step: number of steps done; warm: steps since the last warm-up began; seconds: spent;
    skipped: steps left out because a loss or gradient was not finite.
    """

    network: Network
    stage: Stage
    average: MovingAverage
    optimizer: Adam
    discriminator: Discriminator | None = None
    discriminator_optimizer: Adam | None = None
    step: int = 0
    warm: int = 0
    seconds: float = 0.0
    skipped: int = 0
    notes: dict = field(default_factory=dict)


def make_learner(network: Network, stage: Stage, seed: int) -> Learner:
    """Set up optimisers, average and discriminator for a network on its device.

    Args:
        network: with its first weights.
        stage: of the recipe.
        seed: of the discriminator's first weights.
    """
    device = next(network.parameters()).device
    learner = Learner(
        network,
        stage,
        MovingAverage(network, stage.ema_decay),
        _adam(network, stage.learning_rate, stage.amsgrad),
    )
    if stage.adversary is not None:
        with torch.random.fork_rng(devices=[]):
            torch.random.default_generator.manual_seed(seed + 1)
            discriminator = Discriminator(stage.adversary.discriminator)
        learner.discriminator = discriminator.to(device)
        rate = stage.adversary.learning_rate or stage.learning_rate
        learner.discriminator_optimizer = _adam(learner.discriminator, rate, stage.amsgrad)
    return learner


def _adam(module: nn.Module, rate: float, amsgrad: bool) -> Adam:
    on_cuda = next(module.parameters()).is_cuda
    return Adam(module.parameters(), lr=rate, amsgrad=amsgrad, fused=True if on_cuda else None)


class Stepper:
    """Makes steps with a learner.

    Args:
        learner: changed by every step.
        net: for perceptual and style losses, or None.
        group: the processes that share every batch.
        dtype: half precision of networks and discriminator, None for float32.
        most_items: that go through the network at once; gradients of the parts are summed.
    """

    def __init__(
        self,
        learner: Learner,
        net: PerceptualNet | None,
        group: ProcessGroup,
        *,
        dtype: torch.dtype | None = None,
        most_items: int | None = None,
    ) -> None:
        self.learner, self.net, self.group = learner, net, group
        self.dtype, self.most_items = dtype, most_items

    def __call__(self, batch: Batch, rate: float) -> dict[str, float]:
        """Make one step.

        Args:
            batch: of this process.
            rate: learning rate of the network; the discriminator's keeps its ratio to it.

        Returns:
            Mean losses over all processes, by name.
        """
        learner = self.learner
        learner.network.train()
        composed, losses = self._backward(batch)
        self.group.average_gradients(learner.network.parameters())
        norm = self._norm(learner.network.parameters())
        totals = self._mean(losses)
        if self._is_finite(totals["total"], norm, batch.truth.device):
            _set_rate(learner.optimizer, rate)
            learner.optimizer.step()
            if learner.discriminator is not None:
                totals["discriminator"] = self._discriminator_step(batch, composed, rate)
            learner.average.update(learner.network, learner.step)
        else:
            learner.skipped += 1
        learner.optimizer.zero_grad(set_to_none=True)
        learner.step += 1
        learner.warm += 1
        return totals

    def _parts(self, batch: Batch) -> list[tuple[slice, Batch]]:
        size = self.most_items or len(batch)
        ranges = [(i, min(i + size, len(batch))) for i in range(0, len(batch), size)]
        return [(slice(*r), batch.part(*r)) for r in ranges]

    def _backward(self, batch: Batch) -> tuple[Tensor, list[dict[str, Tensor]]]:
        """Sum the gradients of all parts; returns the filled clips and the losses of each part."""
        learner, adversary = self.learner, self.learner.stage.adversary
        filled, found = [], []
        areas = areas_of(learner.stage.losses, batch, self.group)
        for _, part in self._parts(batch):
            share = len(part) / len(batch)
            prediction = predict(learner.network, part, self.dtype)
            with autocast(part.truth.device, self.dtype):
                losses = stage_losses(
                    learner.stage.losses, prediction, part, self.net, areas.of_part(share)
                )
            if learner.discriminator is not None and adversary is not None:
                losses["fool"] = self._fool(
                    learner.discriminator, adversary, prediction.composed, part
                )
                losses["total"] = losses["total"] + adversary.weight * losses["fool"]
            (share * losses["total"]).backward()
            found.append({k: share * v.detach().float() for k, v in losses.items()})
            filled.append(prediction.composed.detach())
        return torch.cat(filled), found

    def _fool(
        self,
        discriminator: Discriminator,
        adversary: AdversaryRecipe,
        composed: Tensor,
        part: Batch,
    ) -> Tensor:
        discriminator.requires_grad_(requires_grad=False)
        with autocast(composed.device, self.dtype):
            logits = discriminator(composed, part.holes).float()
        discriminator.requires_grad_(requires_grad=True)
        return fool_loss(adversary.kind, scores_of(adversary.kind, logits))

    def _discriminator_step(self, batch: Batch, composed: Tensor, rate: float) -> float:
        """Teach the discriminator the truth from what was filled before the network's step."""
        learner, adversary = self.learner, self.learner.stage.adversary
        discriminator, optimizer = learner.discriminator, learner.discriminator_optimizer
        discriminator.train()
        total = composed.new_zeros(())
        for where, part in self._parts(batch):
            with autocast(composed.device, self.dtype):
                real = discriminator(part.truth, part.holes).float()
                fake = discriminator(composed[where], part.holes).float()
            real, fake = (scores_of(adversary.kind, x) for x in (real, fake))
            loss = discriminator_loss(adversary.kind, real, fake) * len(part) / len(batch)
            loss.backward()
            total = total + loss.detach()
        self.group.average_gradients(discriminator.parameters())
        norm = self._norm(discriminator.parameters())
        total = self.group.mean(total)
        if self._is_finite(float(total), norm, composed.device):
            ratio = (adversary.learning_rate or learner.stage.learning_rate) / (
                learner.stage.learning_rate
            )
            _set_rate(optimizer, rate * ratio)
            optimizer.step()
        else:
            learner.skipped += 1
        optimizer.zero_grad(set_to_none=True)
        return float(total)

    def _norm(self, parameters) -> Tensor:
        """Clip gradients to the stage's norm; returns what it was."""
        limit = self.learner.stage.clip_norm or float("inf")
        return nn.utils.clip_grad_norm_(parameters, limit)

    def _mean(self, parts: list[dict[str, Tensor]]) -> dict[str, float]:
        names = list(parts[0])
        sums = torch.stack([sum(part[name] for part in parts) for name in names])
        return dict(zip(names, self.group.mean(sums).tolist(), strict=True))

    def _is_finite(self, loss: float, norm: Tensor, device: torch.device) -> bool:
        bad = not (torch.isfinite(norm) and torch.isfinite(torch.tensor(loss)))
        return not self.group.agree(bad, device)


def _set_rate(optimizer: Adam, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def all_values(learner: Learner) -> list[Tensor]:
    """Return every parameter and buffer, so that all processes can start from the same."""
    modules = [learner.network] + (
        [learner.discriminator] if learner.discriminator is not None else []
    )
    return [v.data for m in modules for v in chain(m.parameters(), m.buffers())]
