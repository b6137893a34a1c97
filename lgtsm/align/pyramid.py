"""Reduced frames in which unknown pixels have no weight."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..fills.averaging import halve

ALL_KNOWN = 0.9
"""Fraction of a 2x2 cell: all four pixels are known."""
MOST_KNOWN = 0.7
"""Fraction of a 2x2 cell: three pixels or more are known."""
Level = tuple[Tensor, Tensor]
"""Image (N,C,h,w), and what is known of it (N,1,h,w), 1 = known."""


def crop_even(values: Tensor) -> Tensor:
    """Drop the last row or column of (...,h,w) where that side is odd."""
    height, width = values.shape[-2:]
    return values[..., : height // 2 * 2, : width // 2 * 2]


def known_pyramid(
    image: Tensor,
    known: Tensor,
    smallest: int,
    *,
    least: float = ALL_KNOWN,
    to_even: Callable[[Tensor], Tensor] = crop_even,
) -> list[Level]:
    """Return the levels of an image from coarse to fine.

    Args:
        image: (N,C,h,w).
        known: (N,1,h,w) 1 = known.
        smallest: least length of a side of the coarsest level, in pixels.
        least: fraction of a 2x2 cell above which it is known.
        to_even: what makes odd sides even.
    """
    levels = [(image, known)]
    while min(levels[-1][0].shape[-2:]) >= 2 * smallest:
        levels.append(_halve_known(*levels[-1], least, to_even))
    return levels[::-1]


def reduce_known(image: Tensor, known: Tensor, largest: int, smallest: int = 0) -> Level:
    """Halve until no side is above `largest`, or the next level would have one below `smallest`."""
    while max(image.shape[-2:]) > largest and min(image.shape[-2:]) >= 2 * smallest:
        image, known = _halve_known(image, known, ALL_KNOWN, crop_even)
    return image, known


def _halve_known(
    image: Tensor, known: Tensor, least: float, to_even: Callable[[Tensor], Tensor]
) -> Level:
    """Average the known pixels of 2x2 cells."""
    cells = halve(to_even(torch.cat([image * known, known], 1)))
    total, fraction = cells[:, :-1], cells[:, -1:]
    return total / fraction.clamp_min(1e-6), (fraction > least).to(image.dtype)
