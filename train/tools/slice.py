"""One slice of a long training, on a machine that is only available for a while.

Unpack the data, continue from a compact checkpoint, train, validate, and write a compact checkpoint,
curves and a preview that are small enough to move. Needs neither PyAV nor kornia.
"""

from __future__ import annotations

import copy
import json
import logging
import tarfile
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from torch.utils.flop_counter import FlopCounterMode

from lgtsm.errors import OptionError
from lgtsm.evaluate.bench.measure import Clock, PeakConvolution

from ..compact import has_compact, write_compact
from ..data.batch import Batch, join
from ..data.sources import Library, open_library
from ..logs import read_csv
from ..loop import run_steps
from ..losses.perceptual import PerceptualNet
from ..process_group import ProcessGroup
from ..run import Run
from ..session import start_session
from ..step import Stepper, make_learner

_LOG = logging.getLogger(__name__)
SUMMARY = "slice.json"
CHECKPOINT = "checkpoint"
_PEAK_BATCH, _PEAK_BATCH_FLOAT32 = 32, 4
"""Frames in the convolution whose speed is the peak."""
_ROUNDS = 5


def unpack(data: Path, folder: Path) -> Library:
    """Open decoded clips, unpacking them if they come in a tar archive.

    Args:
        data: folder that `prepare` has written, or a .tar of its files.
        folder: where an archive is unpacked.

    Raises:
        OptionError: neither, or an archive with unsafe names.
    """
    if not data.is_file():
        return open_library(data)
    try:
        with tarfile.open(data) as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise OptionError(
            f"Expected a tar archive of decoded clips, got {data.name} with "
            f"{str(error).splitlines()[0].rstrip(':')}; pack the folder again."
        ) from error
    index = min(folder.rglob("index.json"), default=None)
    if index is None:
        raise OptionError(
            f"Expected index.json in {data.name}, found none; pack the folder that prepare wrote."
        )
    return open_library(index.parent)


def train_slice(run: Run, data: Path, net: PerceptualNet | None) -> dict[str, object]:
    """Train one slice.

    Args:
        run: its `out` receives compact checkpoint, curves, preview and `slice.json`; the folder of
            its `checkpoint` need not exist yet, for the first slice; its minutes or steps are those
            of this slice.
        data: see `unpack`.
        net: for perceptual losses and the score.

    Returns:
        The content of `slice.json`.
    """
    library = unpack(data, run.out / "data")
    if run.checkpoint is not None and not has_compact(run.checkpoint):
        _LOG.info("no compact checkpoint in %s: the first slice", run.checkpoint)
        run = replace(run, checkpoint=None)
    session = start_session(run, library, net, ProcessGroup())
    learner, stepper = session.learner, session.stepper
    first_step, first_seconds = learner.step, learner.seconds
    session.run = _from(run, first_step, first_seconds)
    size = min(learner.stage.batch, run.micro_batch or learner.stage.batch)
    batch = join([session.items[i] for i in range(size)]).to(session.device)
    speed = measure_throughput(stepper, batch)
    _LOG.info("a step alone: %s", ", ".join(f"{k} {v:.3g}" for k, v in speed.items()))
    run_steps(session)
    files = write_compact(run.out / CHECKPOINT, learner, run.recipe, run.stage)
    scores = read_csv(run.out / "validation.csv")
    steps, seconds = learner.step - first_step, learner.seconds - first_seconds
    summary = {
        "recipe": run.recipe.name,
        "stage": run.stage,
        "steps": [first_step, learner.step],
        "seconds": round(seconds, 1),
        "clips_per_second": round(steps * learner.stage.batch / max(seconds, 1e-9), 2),
        "step_alone": speed,
        "skipped": learner.skipped,
        "held_out": {k: float(v) for k, v in scores[-1].items() if k != "step"} if scores else None,
        "checkpoint": [file.name for file in files],
    }
    (run.out / SUMMARY).write_text(json.dumps(summary, indent=1), encoding="utf-8")
    return summary


def _from(run: Run, step: int, seconds: float) -> Run:
    """Return a slice's run with its length counted from the start of the whole training."""
    if run.steps is not None:
        return replace(run, steps=step + run.steps)
    minutes = seconds / 60 + (run.minutes or 0)
    return replace(run, minutes=minutes, schedule_minutes=run.schedule_minutes or minutes)


def measure_throughput(stepper: Stepper, batch: Batch) -> dict[str, float]:
    """Time steps on one batch with a copy of the stepper's network, which itself stays unchanged.

    The batch, on the network's device, goes through the network at once.

    Returns:
        clips_per_second of a step without its data, its tflops, the device's peak_tflops in a
        convolution, and peak_ratio, the share of this peak.
    """
    device, dtype = batch.truth.device, stepper.dtype
    learner = make_learner(copy.deepcopy(stepper.learner.network), stepper.learner.stage, 0)
    stepper = stepper.alone(learner)
    counter = FlopCounterMode(display=False)
    with counter:
        stepper(batch, 0.0)
    clock = Clock(device)
    seconds = median([clock.seconds(lambda: stepper(batch, 0.0)) for _ in range(_ROUNDS)])
    peak = PeakConvolution(
        device, dtype or torch.float32, _PEAK_BATCH if dtype else _PEAK_BATCH_FLOAT32
    )
    best = min(peak.seconds() for _ in range(_ROUNDS))
    tflops = counter.get_total_flops() / seconds / 1e12
    peak_tflops = 2 * peak.macs / best / 1e12
    return {
        "clips_per_second": len(batch) / seconds,
        "tflops": tflops,
        "peak_tflops": peak_tflops,
        "peak_ratio": tflops / peak_tflops,
    }
