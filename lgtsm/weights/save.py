"""From a network to a self-describing weight file."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from ..tensor_digest import tensor_digest
from ..whole_file import WholeFile
from .header import CONFIG, DIGEST, Card


def save_model(
    network: nn.Module, path: Path, card: Card, *, dtype: torch.dtype = torch.float32
) -> None:
    """Write a network and the SHA-256 of it; on failure an existing file is kept.

    Args:
        network: whose weights to write.
        path: of the .safetensors file; replaced if it exists.
        card: description of the weights; `card.spec` is the network's.
        dtype: stored precision.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        key: value.detach().to("cpu", dtype).contiguous()
        for key, value in network.state_dict().items()
    }
    metadata = card.to_metadata()
    metadata[DIGEST] = tensor_digest(tensors, metadata[CONFIG])
    with WholeFile(path) as partial:
        save_file(tensors, partial, metadata=metadata)
