"""Fill inside, source outside, with a soft edge that runs inwards."""

from __future__ import annotations

import torch
from torch import Tensor

from ..masks.morph import feather_weights


def compose(source: Tensor, fill: Tensor, hole: Tensor, feather_px: int) -> Tensor:
    """Put a fill into a hole.

    Args:
        source: (3,h,w) float.
        fill: (3,h,w) float.
        hole: (1,h,w) 0 or 1, 1 = hole; the part of the frame must hold `feather_px` + 1 pixels
            around the hole or reach the frame's edge.
        feather_px: width of the soft edge.

    Returns:
        (3,h,w); outside the hole the very values of `source`.
    """
    if feather_px:
        weights = feather_weights(hole, feather_px)
        fill = weights * fill + (1 - weights) * source
    # not a*(1-m) + b*m: that would round known pixels and spread NaN
    return torch.where(hole > 0, fill, source)
