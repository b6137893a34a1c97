"""Training states on disk: everything that a resumed run needs."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.optim import Adam

from lgtsm.errors import DeviceError, OptionError, WeightsError
from lgtsm.whole_file import WholeFile

from .recipe import Recipe, differing_fields
from .step import Learner

STATE = "state.safetensors"
_COUNTERS = ("step", "warmup_step", "seconds", "skipped")


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file; the previous one stays unless it is complete.

    Raises:
        DeviceError: no room; the previous file is unchanged.
    """
    values = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with WholeFile(path) as partial:
            save_file(values, partial, metadata)
    except (OSError, SafetensorError) as error:
        raise DeviceError(
            f"Expected room for {path.name} in {path.parent}, got {error}; free some space and "
            "resume, the last state written is complete."
        ) from error


def save_state(folder: Path, learner: Learner, recipe: Recipe, stage: str) -> None:
    """Write the state of a run, Adam's moments included, so that it resumes exactly.

    Its folder is made if missing. A resumed run must have the same recipe and stage.

    Raises:
        DeviceError: no room.
    """
    tensors = {f"network.{k}": v for k, v in learner.network.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in learner.average.values.items()}
    tensors |= _moments("optimizer", learner.optimizer)
    if (adversary := learner.adversary) is not None:
        state = adversary.discriminator.state_dict()
        tensors |= {f"discriminator.{k}": v for k, v in state.items()}
        tensors |= _moments("discriminator_optimizer", adversary.optimizer)
    progress = {name: getattr(learner, name) for name in _COUNTERS} | {"stage": stage}
    metadata = {
        "progress": json.dumps(progress),
        "recipe": json.dumps(recipe.to_config()),
        "provenance": json.dumps(learner.provenance),
    }
    write_tensors(folder / STATE, tensors, metadata)


def refuse_other_run(folder: Path) -> None:
    """Check that a new run in `folder` overwrites no other.

    Raises:
        OptionError: the folder holds a state.
    """
    if (folder / STATE).is_file():
        raise OptionError(
            f"Expected a folder without a run for a new one, got {folder}, which holds a state; "
            "continue it with --resume (a slice: with its own --checkpoint), or give another --out."
        )


def _moments(part: str, optimizer: Adam) -> dict[str, Tensor]:
    return {
        f"{part}.{index}.{key}": torch.as_tensor(value)
        for index, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
    }


def load_state(folder: Path, learner: Learner, recipe: Recipe, stage: str) -> None:
    """Load what `save_state` has written into a learner of the same recipe and stage.

    Raises:
        OptionError: another recipe or stage than the state's; the fields that differ are named.
        WeightsError: no state, or a damaged one.
    """
    tensors, metadata = read_state(folder)
    progress = json.loads(metadata["progress"])
    differing = differing_fields(json.loads(metadata["recipe"]), recipe.to_config())
    if progress["stage"] != stage:
        differing.insert(0, f"stage: {progress['stage']} -> {stage}")
    if differing:
        raise OptionError(
            f"Expected the recipe of the run in {folder}, got another in {', '.join(differing)}; "
            "resume with the run's recipe, or start a new run with --init and another --out."
        )
    parts: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        part, rest = key.split(".", 1)
        parts.setdefault(part, {})[rest] = value
    learner.network.load_state_dict(parts["network"])
    values = learner.average.values
    learner.average.values = {k: v.to(values[k]) for k, v in parts["average"].items()}
    _load_moments(learner.optimizer, parts.get("optimizer", {}))
    if (adversary := learner.adversary) is not None:
        adversary.discriminator.load_state_dict(parts["discriminator"])
        _load_moments(adversary.optimizer, parts.get("discriminator_optimizer", {}))
    for name in _COUNTERS:
        setattr(learner, name, progress[name])
    learner.provenance = json.loads(metadata["provenance"])


def _load_moments(optimizer: Adam, tensors: dict[str, Tensor]) -> None:
    full = optimizer.state_dict()
    full["state"] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        full["state"].setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(full)
    for weight, state in optimizer.state.items():
        for name, value in state.items():
            if value.shape == weight.shape:  # files are contiguous; fused Adam needs equal strides
                state[name] = torch.empty_like(weight).copy_(value)


def read_state(folder: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the metadata of a run's state.

    Raises:
        WeightsError: no state, or a damaged one.
    """
    path = folder / STATE
    if not path.is_file():
        raise WeightsError(f"Expected a training state at {path}, found none; leave out --resume.")
    try:
        return read_tensors(path)
    except SafetensorError as error:
        raise WeightsError(
            f"Expected a complete training state at {path}, got {error}; start the run again, from "
            "a compact checkpoint if it has one."
        ) from error


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the metadata of a safetensors file."""
    with safe_open(path, "pt") as file:
        # copies: Windows does not replace a file that is mapped, and the run writes over it
        tensors = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118  no mapping
        return tensors, file.metadata() or {}
