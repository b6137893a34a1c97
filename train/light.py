"""Light states: averaged weights in half precision, in files small enough for any way of moving them.

Training goes on from one with a short warm-up instead of Adam's moments, so that a long training can
be done in slices, on machines that are free for a while.
"""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from lgtsm.errors import OptionError, WeightsError

from .checkpoint import write_tensors
from .recipe import differing_fields
from .step import Learner

SUFFIX = ".light"
"""Of every file; inside they are safetensors."""
MOST_BYTES = 15 * 2**20
"""Size of one file, header included."""
_HEADER_BYTES = 2**18
"""Kept free for the header."""


def write_light(folder: Path, learner: Learner, config: dict, stage: str) -> list[Path]:
    """Write a light state; what the folder held of another is removed afterwards.

    Args:
        folder: made if missing.
        learner: whose average, discriminator, step and seconds are kept.
        config: of the recipe.
        stage: "stage1" or "stage2".

    Returns:
        The files, none above 15 MiB.

    Raises:
        DeviceError: no room.
    """
    tensors = {f"average.{k}": _half(v) for k, v in learner.average.values.items()}
    if learner.discriminator is not None:
        tensors |= {
            f"discriminator.{k}": _half(v) for k, v in learner.discriminator.state_dict().items()
        }
    shards = _shards(tensors)
    metadata = {
        "recipe": json.dumps(config),
        "stage": stage,
        "step": str(learner.step),
        "seconds": str(learner.seconds),
        "notes": json.dumps(learner.notes),
        "count": str(len(shards)),
    }
    before = set(folder.glob(f"*{SUFFIX}"))
    written = []
    for number, shard in enumerate(shards, 1):
        path = folder / f"step{learner.step:08d}-{number:03d}-of-{len(shards):03d}{SUFFIX}"
        write_tensors(path, shard, metadata)
        written.append(path)
    for old in before - set(written):
        old.unlink()
    return written


def _half(value: Tensor) -> Tensor:
    return value.detach().cpu().half() if value.is_floating_point() else value.detach().cpu()


def _shards(tensors: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    """Divide tensors, in order, into groups below the limit."""
    limit = MOST_BYTES - _HEADER_BYTES
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for key, value in tensors.items():
        num_bytes = value.numel() * value.element_size()
        if num_bytes > limit:
            raise OptionError(
                f"Expected tensors of at most {limit} bytes, got {num_bytes} in {key}; train a "
                "narrower network in slices, or carry its full state."
            )
        if size + num_bytes > limit and shards[-1]:
            shards.append({})
            size = 0
        shards[-1][key] = value
        size += num_bytes
    return shards


def read_light(folder: Path, learner: Learner, config: dict, stage: str) -> None:
    """Put a light state into a fresh learner; its warm-up begins anew.

    Args:
        folder: with the files of one light state.
        learner: changed in place.
        config: of the recipe at hand, which must be the state's.
        stage: at hand; a state of stage 1 may begin stage 2, which starts at step 0.

    Raises:
        OptionError: another recipe; the fields that differ are named.
        WeightsError: no files, some missing, or damaged.
    """
    tensors, metadata = _read_shards(folder)
    differing = differing_fields(json.loads(metadata["recipe"]), config)
    if differing:
        raise OptionError(
            f"Expected the recipe of the light state in {folder}, got another in "
            f"{', '.join(differing)}; go on with the former recipe, or begin without it."
        )
    values = learner.average.values
    average = {k: tensors[f"average.{k}"].to(v) for k, v in values.items()}
    learner.network.load_state_dict(average)
    learner.average.values = average
    learner.notes = json.loads(metadata["notes"])
    if metadata["stage"] != stage:
        return
    if learner.discriminator is not None:
        discriminator = learner.discriminator.state_dict()
        state = {k: tensors[f"discriminator.{k}"].to(v) for k, v in discriminator.items()}
        learner.discriminator.load_state_dict(state)
    learner.step, learner.seconds = int(metadata["step"]), float(metadata["seconds"])


def has_light(folder: Path) -> bool:
    """Tell whether a folder holds a light state."""
    return folder.is_dir() and any(folder.glob(f"*{SUFFIX}"))


def _read_shards(folder: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read all files of a light state."""
    files = sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
    tensors: dict[str, Tensor] = {}
    metadata: dict[str, str] = {}
    try:
        for file in files:
            with safe_open(file, "pt") as opened:
                metadata = opened.metadata() or {}
                tensors |= {k: opened.get_tensor(k) for k in opened.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise WeightsError(
            f"Expected whole light files in {folder}, got {error}; copy {file.name} again."
        ) from error
    if not files or len(files) != int(metadata.get("count", 0)):
        raise WeightsError(
            f"Expected all files of one light state in {folder}, got {len(files)} of "
            f"{metadata.get('count', 'an unknown number')}; copy the missing ones, leave no others."
        )
    return tensors, metadata
