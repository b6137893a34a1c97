"""Training states on disk: everything a resumed run needs, written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

STATE = "state.safetensors"


class MovingAverage:
    """Exponential moving average of a network's parameters, with a short memory at the start."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the network's values after step number `step`."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for key, value in network.state_dict().items():
            self.values[key].lerp_(value.detach(), 1 - decay)


def save_state(
    folder: Path,
    network: nn.Module,
    average: MovingAverage,
    optimizer: torch.optim.Optimizer,
    progress: dict[str, float],
) -> None:
    """Write the state of a run into `folder`, replacing the previous one in one step.

    Args:
        folder: of the run; made if missing.
        network: its current values.
        average: its moving average.
        optimizer: Adam; its moments are kept so that a resumed run goes on without a jolt.
        progress: plain numbers (step, seconds).
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"network.{k}": v.contiguous() for k, v in network.state_dict().items()}
    tensors |= {f"average.{k}": v.contiguous() for k, v in average.values.items()}
    for index, state in optimizer.state_dict()["state"].items():
        for key, value in state.items():
            tensors[f"optimizer.{index}.{key}"] = torch.as_tensor(value).contiguous()
    partial = folder / f"{STATE}.partial"
    save_file(tensors, partial, metadata={"progress": json.dumps(progress)})
    partial.replace(folder / STATE)


def load_state(
    folder: Path,
    network: nn.Module,
    average: MovingAverage,
    optimizer: torch.optim.Optimizer,
) -> dict[str, float]:
    """Read what `save_state` has written into the given objects.

    Returns:
        The progress numbers.

    Raises:
        ValueError: there is no state in the folder.
    """
    path = folder / STATE
    if not path.is_file():
        raise ValueError(f"Expected a training state at {path}, found none; leave out --resume.")
    with safe_open(path, "pt") as file:
        progress = json.loads(file.metadata()["progress"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  no mapping
    parts: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "optimizer": {}}
    for key, value in tensors.items():
        part, rest = key.split(".", 1)
        parts[part][rest] = value
    network.load_state_dict(parts["network"])
    average.values = {k: v.to(average.values[k].device) for k, v in parts["average"].items()}
    full = optimizer.state_dict()
    full["state"] = {}
    for key, value in parts["optimizer"].items():
        index, name = key.split(".", 1)
        full["state"].setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(full)
    return progress
