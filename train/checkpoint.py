"""Training states on disk: everything a resumed run needs, written whole or not at all."""

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

from .recipe import differing_fields
from .step import Learner

STATE = "state.safetensors"
_NUMBERS = ("step", "warm", "seconds", "skipped")


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file, replacing the previous one in one step.

    Raises:
        DeviceError: no room; the previous file is as it was.
    """
    values = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with WholeFile(path) as partial:
            save_file(values, partial, metadata)
    except (OSError, SafetensorError) as error:
        raise DeviceError(
            f"Expected room for {path.name} in {path.parent}, got {error}; free some space and "
            "resume, the last state written is whole."
        ) from error


def save_state(folder: Path, learner: Learner, config: dict, stage: str) -> None:
    """Write the state of a run into `folder`.

    Args:
        folder: of the run; made if missing.
        learner: its state; Adam's moments are kept, so that a resumed run goes on exactly.
        config: of the recipe, which a resumed run must equal.
        stage: "stage1" or "stage2".

    Raises:
        DeviceError: no room.
    """
    tensors = {f"network.{k}": v for k, v in learner.network.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in learner.average.values.items()}
    tensors |= _moments("optimizer", learner.optimizer)
    if learner.discriminator is not None:
        tensors |= {f"discriminator.{k}": v for k, v in learner.discriminator.state_dict().items()}
        tensors |= _moments("discriminator_optimizer", learner.discriminator_optimizer)
    progress = {name: getattr(learner, name) for name in _NUMBERS} | {"stage": stage}
    metadata = {
        "progress": json.dumps(progress),
        "recipe": json.dumps(config),
        "notes": json.dumps(learner.notes),
    }
    write_tensors(folder / STATE, tensors, metadata)


def refuse_other_run(folder: Path) -> None:
    """Check that a new run in `folder` writes over no other.

    Raises:
        OptionError: the folder holds a state.
    """
    if (folder / STATE).is_file():
        raise OptionError(
            f"Expected a folder without a run for a new one, got {folder}, which holds a state; go "
            "on from it with --resume (a slice: with its own --light), or give another --out."
        )


def _moments(part: str, optimizer: Adam) -> dict[str, Tensor]:
    return {
        f"{part}.{index}.{key}": torch.as_tensor(value)
        for index, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
    }


def load_state(folder: Path, learner: Learner, config: dict, stage: str) -> None:
    """Read what `save_state` has written into a learner.

    Args:
        folder: of the run.
        learner: made for the same recipe and stage; changed in place.
        config: of the recipe at hand.
        stage: at hand.

    Raises:
        OptionError: another recipe or stage than the run's; the fields that differ are named.
        WeightsError: no state, or a damaged one.
    """
    tensors, metadata = read_state(folder)
    progress = json.loads(metadata["progress"])
    if "recipe" in metadata:
        differing = differing_fields(json.loads(metadata["recipe"]), config)
        if progress.get("stage", stage) != stage:
            differing.insert(0, f"stage: {progress['stage']} -> {stage}")
        if differing:
            raise OptionError(
                f"Expected the recipe that the run in {folder} was begun with, got another in "
                f"{', '.join(differing)}; resume with the former recipe, or begin a new run with "
                "--init and another --out."
            )
    parts: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        part, rest = key.split(".", 1)
        parts.setdefault(part, {})[rest] = value
    learner.network.load_state_dict(parts["network"])
    values = learner.average.values
    learner.average.values = {k: v.to(values[k]) for k, v in parts["average"].items()}
    _load_moments(learner.optimizer, parts.get("optimizer", {}))
    if learner.discriminator is not None:
        learner.discriminator.load_state_dict(parts["discriminator"])
        _load_moments(learner.discriminator_optimizer, parts.get("discriminator_optimizer", {}))
    for name in _NUMBERS:
        setattr(learner, name, type(getattr(learner, name))(progress.get(name, 0)))
    learner.notes = json.loads(metadata.get("notes", "{}"))


def _load_moments(optimizer: Adam, tensors: dict[str, Tensor]) -> None:
    full = optimizer.state_dict()
    full["state"] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        full["state"].setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(full)
    for weight, state in optimizer.state.items():
        for name, value in state.items():
            if value.shape == weight.shape:  # files are contiguous; fused Adam wants equal strides
                state[name] = torch.empty_like(weight).copy_(value)


def read_state(folder: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the header of a run's state.

    Raises:
        WeightsError: no state, or a damaged one.
    """
    path = folder / STATE
    if not path.is_file():
        raise WeightsError(f"Expected a training state at {path}, found none; leave out --resume.")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  no mapping
    except SafetensorError as error:
        raise WeightsError(
            f"Expected a whole training state at {path}, got {error}; begin the run again from "
            "its light state."
        ) from error
    return tensors, metadata
