"""Stage 1: reconstruction and perceptual losses, no adversary.

Source of the stage: Chang et al. 2019, section 4 (pre-training); our losses and why they differ
are in `losses.py`.
"""

from __future__ import annotations

import contextlib
import csv
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from lgtsm.metrics.perceptual import SqueezeNetFeatures
from lgtsm.models.build import build
from lgtsm.models.network import Network

from .checkpoint import MovingAverage, load_state, save_state
from .initial import rescale_layers
from .losses import Losses, refine_losses
from .recipe import Recipe
from .sampling import Item, Items, make_item
from .sources import Library
from .validate import validate

_LOG = logging.getLogger(__name__)
FIRST_ITEM_OF_VALIDATION = 1_000_000_000
"""Validation items are numbered from here, so that they never coincide with training ones."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Where a run lives and how long it goes on.

    Exactly one of steps and minutes ends it; with minutes, the learning rate follows the clock, so
    that a run always anneals fully whatever the machine.
    """

    out: Path
    steps: int | None = None
    minutes: float | None = None
    resume: bool = False
    device: str = "cpu"
    bf16: bool = False
    num_workers: int = 1
    save_seconds: float = 120.0
    validate_steps: int = 500
    validate_items: int = 24


def rate_at(recipe: Recipe, step: int, share: float) -> float:
    """Return the learning rate: linear warm-up, then a cosine over the run.

    Args:
        recipe: peak, warm-up and final ratio.
        step: number of the step, from 0.
        share: how much of the run is over, 0..1.
    """
    warm = min(1.0, (step + 1) / recipe.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
    return recipe.learning_rate * warm * (recipe.final_ratio + (1 - recipe.final_ratio) * cosine)


def _item_losses(
    network: Network, item: Item, recipe: Recipe, net: SqueezeNetFeatures | None, *, bf16: bool
) -> Losses:
    """Run one item and compare; the trunk in bf16 where asked, everything else in float32."""
    stacked = network.encode(item.truth, item.holes, evidence=item.evidence)
    context = (
        torch.autocast(stacked.device.type, torch.bfloat16) if bf16 else contextlib.nullcontext()
    )
    with context:
        output = network.trunk(stacked[None])[0]
    result = network.decode(output.float(), item.evidence)
    with context:
        return refine_losses(
            result, item.evidence.fill, item.truth, item.holes, net=net, weights=recipe.losses
        )


def _items(library: Library, recipe: Recipe, run: Run, start: int) -> DataLoader:
    """Serve items from number `start` on, made by worker processes."""
    count = (run.steps * recipe.batch - start) if run.steps else FIRST_ITEM_OF_VALIDATION - start
    return DataLoader(
        Items(library, recipe, start, max(count, 0), recipe.seed),
        batch_size=None,
        num_workers=run.num_workers,
        prefetch_factor=8 if run.num_workers else None,
    )


def train_stage1(
    library: Library, recipe: Recipe, run: Run, net: SqueezeNetFeatures | None
) -> Network:
    """Train until the run's steps or minutes are over; saves on a timer.

    Args:
        library: all decoded clips; a share of the sources is held out for validation.
        recipe: what is trained.
        run: where, how long.
        net: features for the perceptual loss, or None.

    Returns:
        The network with averaged weights.
    """
    device = torch.device(run.device)
    training, held_out = library.split()
    with torch.random.fork_rng():  # the head's gate keeps the values that it is built with
        torch.random.default_generator.manual_seed(recipe.seed)
        network = build(recipe.network).to(device)
    network.trunk.to(memory_format=torch.channels_last)
    first = make_item(training, recipe, 0, recipe.seed).pin(device)
    if not run.resume:
        with torch.random.fork_rng():
            torch.random.default_generator.manual_seed(recipe.seed)
            for module in network.trunk.layers()[:-1]:
                for conv in (module.feature, module.gate):
                    torch.nn.init.kaiming_normal_(conv.weight, a=0.2)
                module.gate.weight.data.mul_(0.25)
        rescale_layers(
            network.trunk, network.encode(first.truth, first.holes, evidence=first.evidence)[None]
        )
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    average = MovingAverage(network, recipe.ema_decay)
    progress = {"step": 0, "seconds": 0.0}
    if run.resume:
        progress = load_state(run.out, network, average, optimizer)
    step, spent = int(progress["step"]), float(progress["seconds"])
    limit = (run.minutes or math.inf) * 60
    began = saved = time.monotonic()
    run.out.mkdir(parents=True, exist_ok=True)
    log = _Log(run.out / "log.csv")
    bar = tqdm(total=run.steps, initial=step, disable=None, unit="step")
    batch: list[Losses] = []
    for item in _items(training, recipe, run, step * recipe.batch):
        losses = _item_losses(network, item.pin(device), recipe, net, bf16=run.bf16)
        if torch.isfinite(losses.total):
            (losses.total / recipe.batch).backward()
        else:
            _LOG.warning("left out an item at step %d: its loss is not finite", step)
        batch.append(losses)
        if len(batch) < recipe.batch:
            continue
        seconds = spent + time.monotonic() - began
        share = step / run.steps if run.steps else seconds / limit
        for group in optimizer.param_groups:
            group["lr"] = rate_at(recipe, step, share)
        torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.update(network, step)
        step += 1
        log.add(step, seconds, batch)
        batch = []
        bar.update()
        ended = seconds >= limit or (run.steps is not None and step >= run.steps)
        if ended or time.monotonic() - saved > run.save_seconds:
            saved = time.monotonic()
            save_state(run.out, network, average, optimizer, {"step": step, "seconds": seconds})
        if held_out.clips and (ended or step % run.validate_steps == 0):
            _validate(network, average, held_out, recipe, run, net, step)
        if ended:
            break
    bar.close()
    network.load_state_dict(average.values)
    return network.eval()


def _validate(
    network: Network,
    average: MovingAverage,
    held_out: Library,
    recipe: Recipe,
    run: Run,
    net: SqueezeNetFeatures | None,
    step: int,
) -> None:
    """Score the averaged weights on held-out items and write a row."""
    current: dict[str, Tensor] = {k: v.clone() for k, v in network.state_dict().items()}
    network.load_state_dict(average.values)
    items = (
        make_item(held_out, recipe, FIRST_ITEM_OF_VALIDATION + i, recipe.seed)
        for i in range(run.validate_items)
    )
    gain = validate(network, items, net)
    network.load_state_dict(current)
    _LOG.info("step %d: %s", step, gain)
    with (run.out / "validation.csv").open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow([step, f"{gain.decibels:.4f}", f"{gain.distance_ratio:.4f}"])


class _Log:
    """Means of the losses, one row every 50 steps."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[list[float]] = []

    def add(self, step: int, seconds: float, batch: list[Losses]) -> None:
        """Take in one step's losses."""
        self.rows += [
            [float(v.detach()) for v in (x.l1, x.l2, x.perceptual, x.total)] for x in batch
        ]
        if step % 50 == 0:
            means = torch.tensor(self.rows).mean(0).tolist()
            with self.path.open("a", newline="", encoding="utf-8") as file:
                row = [step, round(seconds), *(f"{v:.4f}" for v in means)]
                csv.writer(file).writerow(row)
            self.rows = []
