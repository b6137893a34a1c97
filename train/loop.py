"""The training loop, the same for both stages: steps, states, validation, sample images.

Source of the stages: Chang et al. 2019 (LGTSM), section 4: reconstruction, perceptual and style
losses first, then the same with an adversary.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn
from tqdm import tqdm

from lgtsm.engine.recovery import is_out_of_memory
from lgtsm.errors import DeviceError
from lgtsm.interruption import Interruption

from .checkpoint import STATE, read_state, refuse_other_run
from .data.batch import Batch
from .data.sources import Library
from .data.stream import batches
from .losses.perceptual import PerceptualNet
from .process_group import ProcessGroup
from .report import Reporter
from .run import STAGES, Run
from .session import Session, start_session

_LOG = logging.getLogger(__name__)


def train(
    run: Run,
    library: Library,
    net: PerceptualNet | None = None,
    group: ProcessGroup | None = None,
) -> nn.Module:
    """Train one stage until the run's steps or minutes are over, or until interrupted.

    Args:
        run: what, where and how long.
        library: all decoded clips; a share of the sources is held out for validation.
        net: for perceptual and style losses, or None.
        group: the processes that train together; None is this one alone.

    Returns:
        The network with averaged weights, in eval mode.

    Raises:
        OptionError: nothing to train on, another recipe than the state's, a batch that does not
            divide.
        DeviceError: no device, no memory for a step, or no room for the last state.
    """
    session = start_session(run, library, net, group or ProcessGroup())
    run_steps(session)
    return session.learner.averaged()


def train_both(
    run: Run, library: Library, net: PerceptualNet | None, group: ProcessGroup
) -> nn.Module:
    """Train stage 1 in OUT/stage1, then stage 2 from its weights in OUT/stage2; see `train`.

    The run's steps apply to each stage, its minutes are halved. It resumes in either stage.

    Returns:
        The network after stage 2, or after stage 1 if interrupted there.

    Raises:
        OptionError: the recipe has no stage 2, or a new run in the folder of another.
    """
    run.recipe.stage("stage2")
    minutes = None if run.minutes is None else run.minutes / 2
    first, second = (replace(run, stage=s, out=run.out / s, minutes=minutes) for s in STAGES)
    device = run.torch_device(group.local_rank)

    def ask_main(question: Callable[[], bool]) -> bool:
        # rank 0 writes the files, so they are complete when it looks; the others use its answer
        return group.any(group.is_main and question(), device)

    if run.resume and ask_main((second.out / STATE).is_file):
        return train(second, library, net, group)
    if not run.resume:  # fail now instead of after hours of stage 1
        refuse_other_run(second.out)
    network = train(first, library, net, group)
    if not ask_main(lambda: _is_over(first)):
        return network  # interrupted; --resume continues here
    return train(replace(second, resume=False, init=first.out), library, net, group)


def _is_over(run: Run) -> bool:
    """Return whether a run is over, according to its last state."""
    progress = json.loads(read_state(run.out)[1]["progress"])
    return run.is_over(progress["step"], progress["seconds"])


def run_steps(session: Session) -> None:
    """Make all steps of a run; a signal ends it after the current step.

    Raises:
        OptionError: a batch that does not divide.
        DeviceError: no memory for a step, or no room for the last state.
    """
    run, learner, group, device = session.run, session.learner, session.group, session.device
    if run.is_over(learner.step, learner.seconds):
        return
    reporter = Reporter(session) if group.is_main else None
    before, began = learner.seconds, time.monotonic()
    bar = tqdm(total=run.steps, initial=learner.step, disable=None if group.is_main else True)
    with Interruption(deferred=True) as interruption, bar:
        for batch in batches(run, session.training, learner.step, device, group):
            progress = run.progress(learner.step, learner.seconds)
            rate = learner.stage.learning_rate_at(
                learner.warmup_step, progress, num_steps=learner.step
            )
            losses = _step(session, batch, rate)
            # rank 0's clock determines the learning rate in all processes
            learner.seconds = group.from_main(before + time.monotonic() - began, device)
            bar.update()
            over = run.is_over(learner.step, learner.seconds) or interruption.happened()
            over = group.any(over, device)
            if reporter is not None:
                reporter.after_step(losses, rate, is_last=over)
            if over:
                break
    if learner.skipped:
        _LOG.warning("skipped %d updates that were not finite", learner.skipped)


def _step(session: Session, batch: Batch, rate: float) -> dict[str, float]:
    """Make a step; out of memory, find the largest micro-batch that fits."""
    stepper = session.stepper
    try:
        return stepper(batch, rate)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    stepper.learner.optimizer.zero_grad(set_to_none=True)
    trial = stepper.alone(stepper.learner)
    size = stepper.micro_batch or len(batch)
    fits = largest_that_fits(lambda number: trial(batch.part(0, number), 0.0), size)
    raise too_large(size, fits)


def largest_that_fits(attempt: Callable[[int], object], size: int) -> int:
    """Return the largest number of items, by halving, that fits in memory; 0 if none does.

    `attempt` makes a step with so many items; `size` is a number that does not fit.
    """
    while size := size // 2:
        try:
            attempt(size)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        else:
            return size
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    return 0


def too_large(items: int, fits: int) -> DeviceError:
    """Return the error that recommends what fits."""
    if fits:
        advice = f"pass --micro-batch {fits}, the largest that fits (the batch stays the same)"
    else:
        advice = "use a narrower network or smaller crops"
    return DeviceError(
        f"Expected memory for {items} items at once, got too little on this device; {advice}."
    )
