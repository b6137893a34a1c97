"""Tracked masks in a few kilobytes a frame, and what painting again need not compute again."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

_VERSION = "3"
"""Of the tracker: kept masks of another one are not used."""


@dataclass(frozen=True)
class Packed:
    """Probabilities (1,1,h,w) of one frame in 256 levels, compressed, with the overlap to expect."""

    data: bytes
    size: tuple[int, int]
    trust: float

    @staticmethod
    def of(probability: Tensor, trust: float) -> Packed:
        """Compress a probability (1,1,h,w)."""
        levels = (probability[0, 0] * 255).round().to(torch.uint8).numpy()
        return Packed(zlib.compress(levels.tobytes(), 1), levels.shape, trust)

    def probability(self) -> Tensor:
        """Return (1,1,h,w) in [0,1]."""
        levels = np.frombuffer(zlib.decompress(self.data), np.uint8).reshape(self.size)
        return torch.from_numpy(levels.astype(np.float32) / 255)[None, None]


class Kept(Protocol):
    """Tracked stretches by name; a dictionary is one."""

    def get(self, name: str, /) -> list[Packed] | None:
        """Return a stretch, None where it is not kept."""
        ...

    def __setitem__(self, name: str, found: list[Packed], /) -> None:
        """Keep a stretch."""
        ...


def name_of(*parts: object) -> str:
    """Return the name of a stretch: a digest of all that it depends on."""
    digest = sha256(_VERSION.encode())
    for part in parts:
        if isinstance(part, Tensor):
            part = part.contiguous().numpy().tobytes()
        digest.update(part if isinstance(part, bytes) else repr(part).encode())
    return digest.hexdigest()
