"""One slice of a long training on a machine that is free for a while.

Unpack the data, go on from a light state, train, score, and leave a light state, curves and a
preview small enough to carry away. Neither PyAV nor kornia is needed.
"""

from __future__ import annotations

import json
import logging
import tarfile
from dataclasses import asdict, replace
from pathlib import Path

from lgtsm.errors import OptionError

from ..begin import begin
from ..data.sampling import FIRST_ITEM_OF_VALIDATION, Items, join
from ..data.sources import Library, open_library
from ..light import has_light, write_light
from ..loop import train
from ..losses.perceptual import PerceptualNet, features_of
from ..recipe import Recipe
from ..run import Run
from ..validate import validate
from .export import averaged
from .throughput import measure_throughput

_LOG = logging.getLogger(__name__)
SUMMARY = "slice.json"
LIGHT = "light"


def unpack(data: Path, folder: Path) -> Library:
    """Open decoded clips, out of a tar archive where they come in one.

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
    index = next(iter(sorted(folder.rglob("index.json"))), None)
    if index is None:
        raise OptionError(
            f"Expected index.json in {data.name}, found none; pack the folder that prepare wrote."
        )
    return open_library(index.parent)


def train_slice(
    data: Path, recipe: Recipe, stage: str, run: Run, net: PerceptualNet | None
) -> dict[str, object]:
    """Do one slice.

    Args:
        data: see `unpack`.
        recipe: what is trained.
        stage: "stage1" or "stage2".
        run: its `out` receives light state, curves, preview and `slice.json`; its `light` may be a
            folder that does not exist yet, for the first slice; its `minutes` are of this slice.
        net: for perceptual losses and the score.

    Returns:
        What `slice.json` holds.
    """
    library = unpack(data, run.out / "data")
    if run.light is not None and not has_light(run.light):
        _LOG.info("no light state in %s: the first slice", run.light)
        run = replace(run, light=None)
    training, held_out = library.split()
    items = Items(training, recipe)
    device = run.torch_device()
    net = net.to(device) if net is not None else None
    learner = begin(recipe, stage, run, items[0].to(device))
    if run.minutes is not None:  # of this slice; a run's own are counted from its very beginning
        whole = run.schedule_minutes or learner.seconds / 60 + run.minutes
        minutes = learner.seconds / 60 + run.minutes
        run = replace(run, minutes=minutes, schedule_minutes=whole)
    else:
        run = replace(run, steps=learner.step + run.steps)
    size = min(learner.stage.batch, run.at_once or learner.stage.batch)
    batch = join([items[i] for i in range(size)]).to(device)
    speed = measure_throughput(learner.network, learner.stage, batch, net, run.dtype(device))
    _LOG.info("%s, %.0f %% of the peak", speed, 100 * speed.peak_ratio)
    first_step, first_seconds = learner.step, learner.seconds
    del learner, batch
    train(library, recipe, stage, run, net)
    done = averaged(run.out, recipe, stage)
    files = write_light(run.out / LIGHT, done, recipe.to_config(), stage)
    score = None
    if held_out.offers(recipe.data.num_frames):
        held = Items(held_out, recipe)
        network = done.network.to(device)
        trials = (held[FIRST_ITEM_OF_VALIDATION + i].to(device) for i in range(run.validate_items))
        score = validate(network, trials, features_of(net)).row()
    steps, seconds = done.step - first_step, done.seconds - first_seconds
    summary = {
        "recipe": recipe.name,
        "stage": stage,
        "steps": [first_step, done.step],
        "seconds": round(seconds, 1),
        "clips_per_second": round(steps * done.stage.batch / max(seconds, 1e-9), 2),
        "step_alone": asdict(speed) | {"peak_ratio": speed.peak_ratio},
        "skipped": done.skipped,
        "held_out": score,
        "light": [file.name for file in files],
    }
    (run.out / SUMMARY).write_text(json.dumps(summary, indent=1), encoding="utf-8")
    return summary
