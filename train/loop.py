"""The loop of a run: steps, states, scores, pictures; the same for both stages.

Source of the stages: Chang et al. 2019 (LGTSM), section 4: reconstruction, perceptual and style
losses first, then the same with an adversary.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import torch
from tqdm import tqdm

from lgtsm.errors import DeviceError
from lgtsm.models.network import Network
from lgtsm.weights.header import Card
from lgtsm.weights.save import save_model

from .begin import begin
from .checkpoint import save_state
from .data.kept import KeptItems
from .data.sampling import FIRST_ITEM_OF_VALIDATION, Batch, Items
from .data.sources import Library
from .data.stream import batches
from .losses.features import Gram
from .losses.perceptual import PerceptualNet, features_of
from .memory import is_out_of_memory, largest_that_fits, too_large
from .objective import predict
from .pictures import masked, plot_curves, sample_grid, save_picture, save_preview
from .process_group import ProcessGroup
from .recipe import Recipe
from .records import Board, Means, Table, read_table
from .run import Run
from .schedule import rate_at
from .step import Stepper, all_values
from .stopping import Stopping
from .validate import Score, best_of, floor_of, validate

_LOG = logging.getLogger(__name__)
BEST = "best.safetensors"
_PICTURE_ITEMS = 4


def train(
    library: Library,
    recipe: Recipe,
    stage: str,
    run: Run,
    net: PerceptualNet | None,
    group: ProcessGroup | None = None,
) -> Network:
    """Train until the run's steps or minutes are over, or until asked to stop; saves on a timer.

    Args:
        library: all decoded clips; a share of the sources is held out for validation.
        recipe: what is trained.
        stage: "stage1" or "stage2".
        run: where, how long.
        net: for perceptual and style losses, or None.
        group: the processes that train together; None is this one alone.

    Returns:
        The network with averaged weights, in eval mode.

    Raises:
        OptionError: nothing to train on, another recipe than the state's, a batch that does not
            divide.
        DeviceError: no device, no memory for a step, or no room for the last state.
    """
    session = _Session(library, recipe, stage, run, net, group or ProcessGroup())
    with Stopping() as stopping:
        session.go(stopping)
    network = session.learner.network
    network.load_state_dict(session.learner.average.values)
    return network.eval()


class _Session:
    """Everything that one call of `train` holds."""

    def __init__(
        self,
        library: Library,
        recipe: Recipe,
        stage: str,
        run: Run,
        net: PerceptualNet | None,
        group: ProcessGroup,
    ) -> None:
        self.recipe, self.stage, self.run, self.group = recipe, stage, run, group
        self.device = run.torch_device(group.local_rank)
        self.net = net.to(self.device) if net is not None else None
        self.training, held_out = library.split()
        self.training.require(recipe.data.num_frames)
        items = Items(self.training, recipe) if run.items is None else KeptItems(run.items, recipe)
        first = items[0].to(self.device)
        self.learner = begin(recipe, stage, run, first)
        if group.is_first:
            self._warn_of_losses()
        group.broadcast(all_values(self.learner))
        self.stepper = Stepper(
            self.learner,
            self.net,
            group,
            dtype=run.dtype(self.device),
            most_items=run.at_once,
        )
        self.held: list[Batch] = []
        if held_out.offers(recipe.data.num_frames) and group.is_first:
            held = Items(held_out, recipe)
            self.held = [held[FIRST_ITEM_OF_VALIDATION + i] for i in range(run.validate_items)]
        self.shown = self.held[:_PICTURE_ITEMS] or [items[i] for i in range(_PICTURE_ITEMS)]
        run.out.mkdir(parents=True, exist_ok=True)
        self.best: Score | None = None
        self.validated_step = -1

    def _warn_of_losses(self) -> None:
        """Say which losses are not those of the recipe."""
        losses = self.learner.stage.losses
        wanted = [name for name in ("perceptual", "style") if getattr(losses, name, 0)]
        if wanted and self.net is None:
            _LOG.warning(
                "the recipe's %s losses are left out without a perceptual net; pass --perceptual",
                " and ".join(wanted),
            )
        elif self.run.at_once and "style" in wanted and losses.gram is Gram.BATCH:
            _LOG.warning(
                "Gram matrices mix the %d items that are in the network at once, not the whole "
                "batch as published",
                self.run.at_once,
            )

    def go(self, stopping: Stopping) -> None:
        """Make all steps of the run."""
        learner, run, group = self.learner, self.run, self.group
        if group.is_first:
            self.log = Table(run.out / "log.csv", learner.step)
            self.scores = Table(run.out / "validation.csv", learner.step)
            self.board = Board(run.out / "tensorboard")
            self.best = best_of(read_table(self.scores.path)) if learner.step else None
        if run.is_over(learner.step, learner.seconds):
            return
        spent = learner.seconds
        began = saved = validated = time.monotonic()
        means = Means()
        bar = tqdm(total=run.steps, initial=learner.step, disable=None if group.is_first else True)
        for batch in self._batches():
            rate = rate_at(learner.stage, learner.warm, run.share(learner.step, learner.seconds))
            losses = self._step(batch, rate)
            now = time.monotonic()
            # rank 0's clock: the learning rate and the averaged weights follow it
            learner.seconds = group.of_first(spent + now - began, self.device)
            means.add(losses)
            bar.update()
            over = run.is_over(learner.step, learner.seconds) or stopping.asked
            over = group.agree(over, self.device)
            if group.is_first:
                if over or learner.step % run.log_steps == 0:
                    self._log(means.take(), rate)
                if over or now - saved > run.save_seconds:
                    saved = now
                    self._save(is_last=over)
                by_step = run.validate_steps and learner.step % run.validate_steps == 0
                if self.held and (over or by_step or now - validated > run.validate_seconds):
                    validated = now
                    self._validate()
                if over or learner.step % run.picture_steps == 0:
                    self._show()
            if over:
                break
        bar.close()
        if group.is_first:
            plot_curves([self.log.path, self.scores.path], run.out / "curves.png")
            self.board.close()
        if learner.skipped:
            _LOG.warning("skipped %d steps that were not finite", learner.skipped)

    def _batches(self) -> Iterator[Batch]:
        return batches(
            self.training,
            self.recipe,
            self.learner.stage.batch,
            steps=(self.learner.step, self.run.steps),
            device=self.device,
            run=self.run,
            group=self.group,
        )

    def _step(self, batch: Batch, rate: float) -> dict[str, float]:
        """Make a step; where memory ends, find out what would have fitted."""
        try:
            return self.stepper(batch, rate)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            items = self.stepper.most_items or len(batch)
        self.learner.optimizer.zero_grad(set_to_none=True)
        fits = largest_that_fits(lambda size: self._attempt(batch.part(0, size)), items)
        raise too_large(items, fits)

    def _attempt(self, part: Batch) -> None:
        trial = Stepper(self.learner, self.net, ProcessGroup(), dtype=self.stepper.dtype)
        trial(part, 0.0)

    def _log(self, means: dict[str, float], rate: float) -> None:
        learner = self.learner
        row = {"step": learner.step, "seconds": round(learner.seconds, 1)} | means
        self.log.add(row | {"rate": rate, "skipped": learner.skipped})
        self.board.scalars("train", means, learner.step)

    def _save(self, *, is_last: bool) -> None:
        """Write the state; a full disk ends the run only where this was its last chance."""
        try:
            save_state(self.run.out, self.learner, self.recipe.to_config(), self.stage)
        except DeviceError as error:
            if is_last:
                raise
            _LOG.warning("the state was not saved: %s", error)

    def _validate(self) -> None:
        """Score the averaged weights, write a row, keep the best."""
        learner = self.learner
        if self.validated_step == learner.step:
            return
        self.validated_step = learner.step
        with learner.average.lent_to(learner.network):
            items = (item.to(self.device) for item in self.held)
            score = validate(learner.network, items, features_of(self.net))
            if score.better_than(self.best):
                self.best = score
                note = {"recipe": self.recipe.name, "step": learner.step} | learner.notes
                card = Card(spec=self.recipe.network, licence="not stated", provenance=note)
                save_model(learner.network, self.run.out / BEST, card)
        _LOG.info("step %d: %s", learner.step, score)
        self.scores.add({"step": learner.step} | score.row())
        self.board.scalars("held out", score.row(), learner.step)

    @torch.no_grad()
    def _show(self) -> None:
        """Write a grid of samples and a looping preview: input, floor, result, truth."""
        learner = self.learner
        rows = []
        with learner.average.lent_to(learner.network):
            for item in self.shown:
                item = item.to(self.device)
                composed = predict(learner.network, item).composed
                floor = torch.where(item.holes > 0, floor_of(item), item.truth)
                rows.append((masked(item.truth, item.holes), floor, composed, item.truth))
        middle = rows[0][0].shape[1] // 2
        columns = [torch.cat([row[i][:, middle] for row in rows]) for i in range(4)]
        grid = sample_grid(columns)
        save_picture(grid, self.run.out / "samples.png")
        save_preview([part[0] for part in rows[0]], self.run.out / "preview.webp")
        self.board.picture("samples", grid, learner.step)
