"""Which tensors may hold a clip, whatever the annotations of a call say."""

from __future__ import annotations

import torch
from torch import Tensor

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_MASKS = (*_FLOATS, torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def is_dense(value: object) -> bool:
    """Tell whether a value is a tensor with a number for every pixel."""
    if not isinstance(value, Tensor) or value.is_nested or value.is_quantized:
        return False
    return value.layout is torch.strided and not value.is_meta


def is_clip_tensor(value: object) -> bool:
    """Tell whether a value can hold colours: dense, of a float that torch computes with."""
    return isinstance(value, Tensor) and is_dense(value) and value.dtype in _FLOATS


def is_mask_tensor(value: object) -> bool:
    """Tell whether a value can hold a mask: dense floats, whole numbers or booleans."""
    return isinstance(value, Tensor) and is_dense(value) and value.dtype in _MASKS


def describe(value: object) -> str:
    """Return what came instead, for an error message."""
    if not isinstance(value, Tensor):
        return type(value).__name__
    kind = "nested" if value.is_nested else f"{tuple(value.shape)} of {value.dtype}"
    return f"{kind}, {value.layout} on {value.device}"
