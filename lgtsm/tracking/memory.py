"""What object and background looked like in some earlier frames, and where that is now."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from ..align.sampling import pixel_grid, sample_at
from ..fills.averaging import halve, size_of

_OBJECT, _NEAR, _FAR = 600, 900, 300
"""Places remembered of a frame: of the object, close to it, and anywhere else."""
BAND = 14
"""Width of what is close to an object, in pixels of half the working size."""
_ROWS = 256
"""Places compared at once: their distances stay in the cache of a processor."""
_FARTHEST = 1e3


@dataclass(frozen=True)
class Remembered:
    """Places of one frame.

    features: (N,D).
    positions: (N,2) x and y where they are now, in pixels of half the working size.
    objects: how many of them, the first ones, belong to the object.
    """

    features: Tensor
    positions: Tensor
    objects: int


def remember(
    features: Tensor, mask: Tensor, near: Tensor, generator: torch.Generator
) -> Remembered:
    """Choose places of a frame.

    Args:
        features: (1,D,h,w).
        mask: (1,1,h,w), 1 = object.
        near: (1,1,h,w), 1 = close to the object.
        generator: draws the places.
    """
    inside, close = mask.flatten() > 0.5, near.flatten() > 0.5
    groups = ((inside, _OBJECT), (close & ~inside, _NEAR), (~close & ~inside, _FAR))
    chosen = [_some(group.nonzero()[:, 0], most, generator) for group, most in groups]
    places = torch.cat(chosen)
    grid = pixel_grid(*size_of(features), features)
    return Remembered(
        features.flatten(2)[0, :, places].T.contiguous(),
        grid.flatten(2)[0, :, places].T.contiguous(),
        len(chosen[0]),
    )


def remember_object(features: Tensor, mask: Tensor, generator: torch.Generator) -> Remembered:
    """Choose places of a frame by its mask (1,1,2h,2w) in [0,1]; for the others see `remember`."""
    object_ = halve((mask > 0.5).float())
    return remember(features, object_, around(object_ > 0.5, BAND), generator)


def _some(places: Tensor, most: int, generator: torch.Generator) -> Tensor:
    return places[torch.randperm(len(places), generator=generator)[:most]]


def moved(positions: Tensor, flow: Tensor) -> Tensor:
    """Move positions (N,2) by the flow (1,2,h,w) of their frame."""
    return positions + sample_at(flow, positions.T[None, :, None])[0, :, 0].T


def move(memory: dict[int, Remembered], flow: Tensor) -> dict[int, Remembered]:
    """Move all places by the flow (1,2,h,w) from the frame they were moved to last."""
    if not memory:
        return memory
    positions = torch.cat([one.positions for one in memory.values()])
    positions = moved(positions, flow)
    parts = positions.split([len(one.positions) for one in memory.values()])
    return {
        number: replace(one, positions=part)
        for (number, one), part in zip(memory.items(), parts, strict=True)
    }


def nearest(
    features: Tensor, positions: Tensor, memory: Remembered, pull: float
) -> tuple[Tensor, Tensor]:
    """Return the distances (N,) of places to the nearest of the object and of the background.

    Args:
        features: (N,D).
        positions: (N,2).
        memory: what to compare with.
        pull: weight of a pixel of distance in the picture against the distance of features.
    """
    one, other = (
        torch.cat([looks, pull * places], 1)
        for looks, places in ((features, positions), (memory.features, memory.positions))
    )
    # |a - b|^2 = |a|^2 - 2 (a.b - |b|^2 / 2): the last part is one matrix product
    left = torch.cat([one, torch.ones_like(one[:, :1])], 1)
    right = torch.cat([other, -0.5 * other.square().sum(1, keepdim=True)], 1).T.contiguous()
    best = one.new_full((2, len(one)), -_FARTHEST)
    buffer = one.new_empty(min(_ROWS, len(one)), right.shape[1])
    for first in range(0, len(one), _ROWS):
        rows = left[first : first + _ROWS]
        products = torch.mm(rows, right, out=buffer[: len(rows)])
        parts = (products[:, : memory.objects], products[:, memory.objects :])
        for label, part in enumerate(parts):
            if part.shape[1]:
                best[label, first : first + len(rows)] = part.amax(1)
    squared = one.square().sum(1) - 2 * best
    object_distance, other_distance = squared.clamp_min(0).sqrt()
    return object_distance, other_distance


def around(mask: Tensor, radius: int) -> Tensor:
    """Grow a mask (1,1,h,w) by a square of a radius in pixels."""
    grown = max_pool2d(mask.float(), (2 * radius + 1, 1), 1, (radius, 0))
    return max_pool2d(grown, (1, 2 * radius + 1), 1, (0, radius))
