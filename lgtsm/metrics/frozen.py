"""Files of frozen feature networks, for figures and losses: read whole and sound, or refused."""

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
        network: its name, for messages.

    Raises:
        WeightsError: no such file, a damaged one, or values that are not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(
            f"Expected the {network} weights at {path}, found no file; give its path."
        )
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise WeightsError(
            f"Expected {network} weights as safetensors, got {path.name} with {error}; get it again."
        ) from error
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise WeightsError(
                f"Expected finite {network} weights in {path.name}, got others in {name}; get it "
                "again."
            )
    return tensors
