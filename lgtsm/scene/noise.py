"""Seeded fractal noise at arbitrary coordinates, the basis of every texture."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

Array = NDArray[np.floating[Any]]
"""float32 pictures and textures, float64 geometry."""

_TILE = 128
"""Period of one octave in lattice cells; octaves are rotated and shifted, so no repeat shows."""
_LACUNARITY = 2.03
"""Frequency ratio of octaves; not exactly 2, so that lattices never coincide."""


class Noise:
    """Smooth random fields that depend on a seed only."""

    def __init__(self, seed: int) -> None:
        """Draw the lattice.

        Args:
            seed: 0 or more; equal seeds give equal fields.
        """
        rng = np.random.default_rng(seed)
        tile = torch.from_numpy(rng.uniform(-1.4, 1.4, (1, 1, _TILE, _TILE)).astype(np.float32))
        self._tile = F.pad(tile, (2, 3, 2, 3), mode="circular")
        self._turns = rng.uniform(0.0, 2.0 * np.pi, 16)
        self._moves = rng.uniform(0.0, _TILE, (16, 2))

    def layer(self, x: Array, y: Array, octave: int = 0) -> Array:
        """Sample one octave.

        Args:
            x: coordinates in lattice cells, any shape.
            y: the same for the other axis.
            octave: which rotation and shift of the lattice to use, 0 to 15.

        Returns:
            Values around 0, mostly within -1 to 1, in the broadcast shape.
        """
        x, y = np.broadcast_arrays(np.asarray(x, np.float32), np.asarray(y, np.float32))
        cos, sin = np.float32(np.cos(self._turns[octave])), np.float32(np.sin(self._turns[octave]))
        move = self._moves[octave].astype(np.float32)
        u = np.mod(cos * x - sin * y + move[0], np.float32(_TILE))
        v = np.mod(sin * x + cos * y + move[1], np.float32(_TILE))
        side = _TILE + 5
        grid = np.stack([u, v], axis=-1).reshape(1, -1, 1, 2)
        grid = (grid + np.float32(2.5)) * np.float32(2.0 / side) - np.float32(1.0)
        values = F.grid_sample(
            self._tile, torch.from_numpy(grid), mode="bicubic", align_corners=False
        )
        return values.numpy().reshape(x.shape)

    def fractal(
        self,
        x: Array,
        y: Array,
        octaves: int = 5,
        *,
        gain: float = 0.5,
        footprint: Array | float = 0.0,
    ) -> Array:
        """Sum octaves of decreasing amplitude.

        Args:
            x: coordinates in cells of the coarsest octave.
            y: the same for the other axis.
            octaves: number of octaves, 1 to 16.
            gain: amplitude ratio of one octave to the one before, 0 to 1.
            footprint: size of one pixel in the same cells; octaves finer than two pixels fade
                out, which keeps distant texture from aliasing.

        Returns:
            Values around 0, mostly within -1 to 1.
        """
        total = np.zeros(np.broadcast(x, y).shape, np.float32)
        size, frequency, norm = 1.0, 1.0, 0.0
        for octave in range(octaves):
            keep = np.clip(2.0 - 2.5 * np.asarray(footprint) * frequency, 0.0, 1.0)
            if np.any(keep > 0.0):
                value = self.layer(
                    np.asarray(x) * np.float32(frequency),
                    np.asarray(y) * np.float32(frequency),
                    octave,
                )
                total += (size * keep).astype(np.float32) * value
            norm += size * size
            size, frequency = size * gain, frequency * _LACUNARITY
        return total / np.float32(np.sqrt(norm))

    def ridged(self, x: Array, y: Array, octaves: int = 6, *, gain: float = 0.5) -> Array:
        """Sum octaves folded into sharp crests, as in eroded mountains.

        Args:
            x: coordinates in cells of the coarsest octave.
            y: the same for the other axis.
            octaves: number of octaves, 1 to 16.
            gain: amplitude ratio of one octave to the one before, 0 to 1.

        Returns:
            Values from 0 (valley) to about 1 (crest).
        """
        total = np.zeros(np.broadcast(x, y).shape, np.float32)
        weight = np.ones_like(total)
        size, frequency, norm = 1.0, 1.0, 0.0
        for octave in range(octaves):
            value = self.layer(
                np.asarray(x) * np.float32(frequency), np.asarray(y) * np.float32(frequency), octave
            )
            crest = np.square(np.clip(1.0 - np.abs(value), 0.0, 1.0))
            total += np.float32(size) * crest * weight
            # valleys stay smooth and crests get the detail (Musgrave 1994)
            weight = np.clip(crest * 1.6, 0.0, 1.0)
            norm += size
            size, frequency = size * gain, frequency * _LACUNARITY
        return total / np.float32(norm)


def smoothstep(
    low: Array | np.floating[Any] | float, high: Array | np.floating[Any] | float, value: Array
) -> Array:
    """Rise smoothly from 0 at `low` to 1 at `high`; with `high` below `low` the step falls."""
    t = np.clip((value - low) / (np.asarray(high) - low), 0.0, 1.0)
    return (t * t * (3.0 - 2.0 * t)).astype(np.float32)


def mix(first: Array, second: Array, weight: Array) -> Array:
    """Blend colours (...,3) from `first` to `second` by weights (...) in 0 to 1."""
    w = np.asarray(weight, np.float32)[..., None]
    return first * (1.0 - w) + second * w
