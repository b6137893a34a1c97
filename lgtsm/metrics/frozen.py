"""Read the weights of frozen feature networks, for metrics and losses, with checks."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ..errors import WeightsError


def read_frozen(path: str | Path, network: str) -> dict[str, Tensor]:
    """Read the tensors of a feature network.

    Args:
        path: safetensors file.
        network: its name, for error messages.

    Raises:
        WeightsError: the file is missing or damaged, or holds values that are not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(
            f"Expected the {network} weights at {path}, found no file; check the path."
        )
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise WeightsError(
            f"Expected {network} weights as safetensors, got {path.name} with {error}; download it again."
        ) from error
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise WeightsError(
                f"Expected finite {network} weights in {path.name}, got others in {name}; "
                "download it again."
            )
    return tensors
