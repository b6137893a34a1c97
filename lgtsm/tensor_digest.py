"""SHA-256 of tensors, so that damage to a stored file is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import torch
from torch import Tensor


def tensor_digest(tensors: Mapping[str, Tensor], about: str = "") -> str:
    """Return the SHA-256 of names, types, shapes and values in hexadecimal digits.

    Args:
        tensors: dense, on the CPU; their order and strides do not count.
        about: a text without which they mean nothing, such as the configuration of a network.
    """
    result = hashlib.sha256(about.encode())
    for name, value in sorted(tensors.items()):
        result.update(json.dumps([name, str(value.dtype), list(value.shape)]).encode())
        result.update(value.detach().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return result.hexdigest()
