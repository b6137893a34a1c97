"""Bring masks of another size to the size of the frames."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def stretch(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Scale masks without losing a hole pixel and without making grey ones.

    Args:
        masks: (T,1,h,w) in [0,1].
        size: (height, width) in pixels, 1 or more each.

    Returns:
        (T,1,height,width) of the same dtype: where an axis shrinks, the largest value of the pixels
        that fall together; where it grows, the nearest value.
    """
    smaller = tuple(min(old, new) for old, new in zip(masks.shape[2:], size, strict=True))
    return F.interpolate(F.adaptive_max_pool2d(masks, smaller), size=size, mode="nearest-exact")
