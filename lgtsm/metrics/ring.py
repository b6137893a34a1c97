"""The ring: the known pixels just outside a hole, which say what its surroundings do."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import max_pool2d

RING_PX = 8
"""Width of the ring in pixels."""


def widen(hole: Tensor, px: int) -> Tensor:
    """Widen a hole by a square of side 2 px + 1.

    Args:
        hole: (1,H,W) or (N,1,H,W) floating point, 0 or 1.
        px: 0 or more.

    Returns:
        The same shape, 0 or 1.
    """
    if px == 0:
        return hole
    tall = max_pool2d(hole, (2 * px + 1, 1), 1, (px, 0))
    return max_pool2d(tall, (1, 2 * px + 1), 1, (0, px))


def ring(hole: Tensor, px: int = RING_PX) -> Tensor:
    """Return the known pixels at most `px` from a hole, along a row and a column.

    Args:
        hole: (1,H,W) or (N,1,H,W) floating point, 0 or 1.
        px: width, 1 or more.

    Returns:
        The same shape, 1 = ring.
    """
    return widen(hole, px) - hole
