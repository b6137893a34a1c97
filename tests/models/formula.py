"""Weights by formula: values that need no file; see the README of the golden vectors."""

from __future__ import annotations

import math
import zlib

import numpy as np


def uniform(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return the formula's values u of variance 1, float64."""
    h = np.arange(math.prod(shape), dtype=np.uint32)
    with np.errstate(over="ignore"):
        h = h * np.uint32(2654435761) + np.uint32(zlib.crc32(key.encode()))
        h ^= h >> np.uint32(15)
        h *= np.uint32(2246822519)
        h ^= h >> np.uint32(13)
        h *= np.uint32(3266489917)
        h ^= h >> np.uint32(16)
    return ((h / 2.0**32 * 2 - 1) * math.sqrt(3)).reshape(shape)
