"""Compact checkpoints: averaged weights in half precision, in small files that are easy to move.

Training continues from one with a short warm-up instead of Adam's moments, so that a long training
can be done in slices, on machines that are only available for a while.
"""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError
from torch import Tensor

from lgtsm.errors import OptionError, WeightsError

from .checkpoint import read_tensors, write_tensors
from .recipe import Recipe, differing_fields
from .step import Learner

SUFFIX = ".compact"
"""Of every file; the format is safetensors."""
MAX_BYTES = 15 * 2**20
"""Size of one file, header included."""
_HEADER_BYTES = 2**18
"""Reserved for the header."""


def write_compact(folder: Path, learner: Learner, recipe: Recipe, stage: str) -> list[Path]:
    """Write a compact checkpoint, then remove the files of a previous one.

    It holds the learner's average, discriminator, step and seconds. The folder is made if missing.

    Returns:
        The files, none larger than 15 MiB.

    Raises:
        DeviceError: no room.
    """
    tensors = {f"average.{k}": v for k, v in learner.average.values.items()}
    if learner.adversary is not None:
        state = learner.adversary.discriminator.state_dict()
        tensors |= {f"discriminator.{k}": v for k, v in state.items()}
    shards = _shards({k: v.half() if v.is_floating_point() else v for k, v in tensors.items()})
    metadata = {
        "recipe": json.dumps(recipe.to_config()),
        "stage": stage,
        "step": str(learner.step),
        "seconds": str(learner.seconds),
        "provenance": json.dumps(learner.provenance),
        "count": str(len(shards)),
    }
    previous = set(folder.glob(f"*{SUFFIX}"))
    written = []
    for number, shard in enumerate(shards, 1):
        path = folder / f"step{learner.step:08d}-{number:03d}-of-{len(shards):03d}{SUFFIX}"
        write_tensors(path, shard, metadata)
        written.append(path)
    for old in previous - set(written):
        old.unlink()
    return written


def _shards(tensors: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    """Divide tensors, in order, into groups below the limit."""
    limit = MAX_BYTES - _HEADER_BYTES
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for key, value in tensors.items():
        if value.nbytes > limit:
            raise OptionError(
                f"Expected tensors of at most {limit} bytes, got {value.nbytes} in {key}; train a "
                "narrower network in slices, or move its full state."
            )
        if size + value.nbytes > limit and shards[-1]:
            shards.append({})
            size = 0
        shards[-1][key] = value
        size += value.nbytes
    return shards


def read_compact(folder: Path, learner: Learner, recipe: Recipe, stage: str) -> None:
    """Load a compact checkpoint into a fresh learner, whose warm-up starts again.

    Args:
        folder: with the files of one compact checkpoint.
        learner: changed in place.
        recipe: which must be the checkpoint's.
        stage: of this run; stage 2 may start from a checkpoint of stage 1, at step 0.

    Raises:
        OptionError: another recipe; the fields that differ are named.
        WeightsError: no files, some missing, or damaged.
    """
    tensors, metadata = _read_shards(folder)
    differing = differing_fields(json.loads(metadata["recipe"]), recipe.to_config())
    if differing:
        raise OptionError(
            f"Expected the recipe of the compact checkpoint in {folder}, got another in "
            f"{', '.join(differing)}; continue with the checkpoint's recipe, or start without it."
        )

    def part(name: str, like: dict[str, Tensor]) -> dict[str, Tensor]:
        return {k: tensors[f"{name}.{k}"].to(v) for k, v in like.items()}

    average = part("average", learner.average.values)
    learner.network.load_state_dict(average)
    learner.average.values = average
    learner.provenance = json.loads(metadata["provenance"])
    if metadata["stage"] != stage:
        return
    if learner.adversary is not None:
        discriminator = learner.adversary.discriminator
        discriminator.load_state_dict(part("discriminator", discriminator.state_dict()))
    learner.step, learner.seconds = int(metadata["step"]), float(metadata["seconds"])


def has_compact(folder: Path) -> bool:
    """Return whether a folder holds a compact checkpoint."""
    return folder.is_dir() and any(folder.glob(f"*{SUFFIX}"))


def _read_shards(folder: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read all files of a compact checkpoint."""
    files = sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
    tensors: dict[str, Tensor] = {}
    metadata: dict[str, str] = {}
    for file in files:
        try:
            part, metadata = read_tensors(file)
        except SafetensorError as error:
            raise WeightsError(
                f"Expected complete files in {folder}, got {error}; copy {file.name} again."
            ) from error
        tensors |= part
    if not files or len(files) != int(metadata.get("count", 0)):
        raise WeightsError(
            f"Expected all files of one compact checkpoint in {folder}, got {len(files)} of "
            f"{metadata.get('count', 'an unknown number')}; copy the missing ones, leave no others."
        )
    return tensors, metadata
