"""What a run writes to its folder: states, logs, validation scores, sample images."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from dataclasses import asdict

import torch

from lgtsm.errors import DeviceError
from lgtsm.weights.header import Card
from lgtsm.weights.save import save_model

from .checkpoint import save_state
from .images import image_grid, mask_out, plot_curves, save_image, save_preview
from .logs import CsvLog, open_tensorboard, read_csv
from .losses.perceptual import distance_features
from .session import Session
from .validate import best_of, compared, validate

_LOG = logging.getLogger(__name__)
BEST = "best.safetensors"


class Reporter:
    """Writes a run's files as it goes; in the main process only.

    Args:
        session: of the run; never changed here but for the network, which holds the averaged
            weights during validation.
    """

    def __init__(self, session: Session) -> None:
        self.session, self.learner, self.out = session, session.learner, session.run.out
        step = self.learner.step
        self.log = CsvLog(self.out / "log.csv", step)
        self.scores = CsvLog(self.out / "validation.csv", step)
        self.board = open_tensorboard(self.out / "tensorboard")
        self.best = best_of(read_csv(self.scores.path)) if step else None
        self._sums: dict[str, float] = defaultdict(float)  # of the losses since the last row
        self._count = 0
        self._saved = self._validated = time.monotonic()

    def after_step(self, losses: dict[str, float], rate: float, *, is_last: bool) -> None:
        """Log a step; save, validate and draw where it is time, all of it after the last step.

        Raises:
            DeviceError: no room for the last state.
        """
        run, step, now = self.session.run, self.learner.step, time.monotonic()
        self._count += 1
        for name, value in losses.items():
            self._sums[name] += value
        if is_last or step % run.log_steps == 0:
            means = {name: total / self._count for name, total in self._sums.items()}
            self._sums.clear()
            self._count = 0
            row = {"step": step, "seconds": round(self.learner.seconds, 1)} | means
            self.log.add(row | {"rate": rate, "skipped": self.learner.skipped})
            self._plot("train", means)
        if is_last or now - self._saved > run.save_seconds:
            self._saved = now
            self._save(is_last=is_last)
        by_step = run.validate_steps and step % run.validate_steps == 0
        is_due = is_last or by_step or now - self._validated > run.validate_seconds
        if self.session.held_out and is_due:
            self._validated = now
            self._validate()
        if is_last or step % run.picture_steps == 0:
            self._show()
        if is_last:
            plot_curves([self.log.path, self.scores.path], self.out / "curves.png")
            if self.board is not None:
                self.board.close()

    def _plot(self, group: str, values: dict[str, float]) -> None:
        """Write numbers to TensorBoard."""
        if self.board is not None:
            for name, value in values.items():
                self.board.add_scalar(f"{group}/{name}", value, self.learner.step)

    def _save(self, *, is_last: bool) -> None:
        """Write the state; a full disk only ends the run if this was the last chance."""
        run = self.session.run
        try:
            save_state(self.out, self.learner, run.recipe, run.stage)
        except DeviceError as error:
            if is_last:
                raise
            _LOG.warning("the state was not saved: %s", error)

    def _validate(self) -> None:
        """Score the averaged weights, log the score, save the best."""
        learner, recipe = self.learner, self.session.run.recipe
        with learner.average.applied_to(learner.network):
            items = (item.to(self.session.device) for item in self.session.held_out)
            stepper = self.session.stepper
            net = distance_features(stepper.net)
            score = validate(learner.network, items, net, stepper.aligner)
            if score.better_than(self.best):
                self.best = score
                about = {"recipe": recipe.name, "step": learner.step} | learner.provenance
                card = Card(spec=recipe.network, licence="not stated", provenance=about)
                save_model(learner.network, self.out / BEST, card)
        _LOG.info("step %d: %s", learner.step, score)
        self.scores.add({"step": learner.step} | asdict(score))
        self._plot("held out", asdict(score))

    def _show(self) -> None:
        """Write a grid of samples and a looping preview: input, baseline, result, truth."""
        learner = self.learner
        rows = []
        with learner.average.applied_to(learner.network):
            for item in self.session.shown:
                item = item.to(self.session.device)
                found = compared(learner.network, item, self.session.stepper.aligner)
                masked = mask_out(found.part.truth, found.part.holes)
                rows.append((masked, found.baseline, found.composed, found.part.truth))
        middle = rows[0][0].shape[1] // 2
        columns = [torch.cat([row[i][:, middle] for row in rows]) for i in range(4)]
        grid = image_grid(columns)
        save_image(grid, self.out / "samples.png")
        save_preview([clip[0] for clip in rows[0]], self.out / "preview.webp")
        if self.board is not None:
            self.board.add_image("samples", grid, learner.step)
