"""One training step: the network and, in adversarial stages, its discriminator.

Order of the published trainer: the network's losses with the discriminator as it is, the network's
update, then one update of the discriminator on the truth and on the same filled clips; see `adversary`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from lgtsm.models.neighbours.frames import Aligner

from .adversary import Adversary, build_discriminator, make_adversary
from .data.batch import Batch
from .losses.perceptual import PerceptualNet
from .objective import areas_of, learn
from .process_group import ProcessGroup
from .recipe import Stage


class MovingAverage:
    """Exponential moving average of a network's values, with a shorter memory at the start.

    Args:
        network: whose values initialise the average.
        decay: share of the old average that a step keeps, 0..1; 0 follows the network exactly.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Add the network's values after step number `step`."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                self.values[key].lerp_(value.detach(), 1 - decay)
            else:
                self.values[key].copy_(value)

    @contextmanager
    def applied_to(self, network: nn.Module) -> Iterator[None]:
        """Load the averaged values into a network, in eval mode, until the context ends."""
        own = {k: v.clone() for k, v in network.state_dict().items()}
        was_training = network.training
        network.load_state_dict(self.values)
        network.eval()
        try:
            yield
        finally:
            network.load_state_dict(own)
            network.train(was_training)


@dataclass
class Learner:
    """Everything that a step changes.

    network, average, optimizer: what is trained; adversary: None without one; step: number of steps
    done; warmup_step: steps since the last warm-up began; seconds: training time so far; skipped:
    updates left out because a loss or gradient was not finite; provenance: where the initial
    weights came from.
    """

    network: nn.Module
    stage: Stage
    average: MovingAverage
    optimizer: Adam
    adversary: Adversary | None = None
    step: int = 0
    warmup_step: int = 0
    seconds: float = 0.0
    skipped: int = 0
    provenance: dict = field(default_factory=dict)

    def averaged(self) -> nn.Module:
        """Load the averaged weights into the network; return it in eval mode."""
        self.network.load_state_dict(self.average.values)
        return self.network.eval()

    def tensors(self) -> list[Tensor]:
        """Return every parameter and buffer, to be broadcast to all processes."""
        modules = [self.network, *([self.adversary.discriminator] if self.adversary else [])]
        return [v.data for m in modules for v in chain(m.parameters(), m.buffers())]


def make_learner(network: nn.Module, stage: Stage, seed: int) -> Learner:
    """Set up optimisers, average and discriminator for an initialised network on its device.

    The seed is that of the discriminator's initial weights.
    """
    adversary = None
    if (recipe := stage.adversary) is not None:
        with seeded(seed + 1):
            discriminator = build_discriminator(recipe)
        discriminator.to(next(network.parameters()).device)
        adversary = make_adversary(recipe, discriminator, _adam(discriminator, stage))
    average = MovingAverage(network, stage.ema_decay)
    return Learner(network, stage, average, _adam(network, stage), adversary)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's global CPU generator, which initialises modules, and restore it afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Set the learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def _adam(module: nn.Module, stage: Stage) -> Adam:
    """Return the optimiser; every step sets its learning rate."""
    on_cuda = next(module.parameters()).is_cuda
    return Adam(module.parameters(), amsgrad=stage.amsgrad, fused=True if on_cuda else None)


class Stepper:
    """Makes training steps.

    Args:
        learner: changed by every step.
        net: for perceptual and style losses, or None.
        group: the processes that share every batch.
        aligner: of CHN, None for the known motion.
        dtype: half precision of network and discriminator, None for float32.
        micro_batch: items in the network at once; gradients are accumulated over the parts.
    """

    def __init__(
        self,
        learner: Learner,
        net: PerceptualNet | None,
        group: ProcessGroup,
        *,
        aligner: Aligner | None = None,
        dtype: torch.dtype | None = None,
        micro_batch: int | None = None,
    ) -> None:
        self.learner, self.net, self.group = learner, net, group
        self.aligner, self.dtype, self.micro_batch = aligner, dtype, micro_batch

    def alone(self, learner: Learner) -> Stepper:
        """Return a stepper of another learner in this process alone, with whole batches."""
        return Stepper(learner, self.net, ProcessGroup(), aligner=self.aligner, dtype=self.dtype)

    def __call__(self, batch: Batch, rate: float) -> dict[str, float]:
        """Make one step with this process's batch; return the losses' means over all processes.

        The rate is that of the network; the discriminator's keeps its ratio to it.
        """
        learner = self.learner
        learner.network.train()
        judged, sums = self._backward(batch)
        means = self.group.mean(torch.stack(list(sums.values())))
        totals: dict[str, float] = dict(zip(sums, means.tolist(), strict=True))
        if self._update(learner.network, learner.optimizer, totals["total"], rate):
            if (adversary := learner.adversary) is not None:
                loss = self._discriminator_step(adversary, batch, judged, rate)
                totals["discriminator"] = loss
            learner.average.update(learner.network, learner.step)
        learner.step += 1
        learner.warmup_step += 1
        return totals

    def _parts(self, batch: Batch) -> list[Batch]:
        size = self.micro_batch or len(batch)
        return [batch.part(i, min(i + size, len(batch))) for i in range(0, len(batch), size)]

    def _backward(self, batch: Batch) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Accumulate the gradients of all parts; return what the discriminator judges and the losses."""
        learner = self.learner
        judged: list[Tensor] = []
        sums: dict[str, Tensor] = {}
        areas = areas_of(batch, self.group)
        for part in self._parts(batch):
            share = len(part) / len(batch)
            prediction, losses = learn(
                learner.network,
                part,
                learner.stage.losses,
                self.net,
                aligner=self.aligner,
                areas=areas * share,  # so that the parts' losses add up
                dtype=self.dtype,
            )
            if (adversary := learner.adversary) is not None:
                seen = adversary.judged(prediction)
                judged.append(seen.detach())
                adversary.discriminator.requires_grad_(requires_grad=False)
                for name, value in adversary.fooling(seen, part, self.dtype).items():
                    losses[name] = value
                    losses["total"] = losses["total"] + adversary.weights[name] * value
                adversary.discriminator.requires_grad_(requires_grad=True)
            (share * losses["total"]).backward()
            for name, value in losses.items():
                value = share * value.detach().float()
                sums[name] = sums[name] + value if name in sums else value
        return judged, sums

    def _discriminator_step(
        self, adversary: Adversary, batch: Batch, judged: list[Tensor], rate: float
    ) -> float:
        """Train the discriminator on the truth and on what there was before the network's update."""
        adversary.discriminator.train()
        total = batch.truth.new_zeros(())
        for part, seen in zip(self._parts(batch), judged, strict=True):
            loss = adversary.judging(seen, part, self.dtype) * len(part) / len(batch)
            loss.backward()
            total = total + loss.detach()
        loss = float(self.group.mean(total))
        peak = self.learner.stage.learning_rate
        ratio = (adversary.learning_rate or peak) / peak
        self._update(adversary.discriminator, adversary.optimizer, loss, rate * ratio)
        return loss

    def _update(self, module: nn.Module, optimizer: Adam, loss: float, rate: float) -> bool:
        """Average and clip the gradients and apply them; return False where they are not finite."""
        self.group.average_gradients(module.parameters())
        limit = self.learner.stage.clip_norm or float("inf")
        norm = nn.utils.clip_grad_norm_(module.parameters(), limit)
        bad = not (torch.isfinite(norm) and torch.isfinite(torch.tensor(loss)))
        bad = self.group.any(bad, norm.device)
        if bad:
            self.learner.skipped += 1
        else:
            set_rate(optimizer, rate)
            optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return not bad
