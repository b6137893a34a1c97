"""Bring masks of another size to the size of the frames."""

from __future__ import annotations

from torch import Tensor

from ..errors import ShapeError
from ..mask_options import MaskOptions
from .morph import stretch

_SAME_SHAPE = 0.01
"""Relative difference of aspect ratios that rounding to whole pixels explains."""


def fit(mask: Tensor, size: tuple[int, int], options: MaskOptions) -> Tensor:
    """Return a mask at the size of the frames; no pixel of a hole is lost.

    A mask of the same shape is stretched, as one drawn on a proxy; one of another shape only where
    `options.fit_mask` says so.

    Args:
        mask: (1,h,w) in [0,1].
        size: (height, width) of the frames.
        options: of the mask.

    Returns:
        (1,height,width); the mask itself where it has that size.

    Raises:
        ShapeError: a mask of another shape.
    """
    height, width = mask.shape[-2:]
    if (height, width) == size:
        return mask
    ratio = (width * size[0]) / (height * size[1])
    if not options.fit_mask and abs(ratio - 1) > _SAME_SHAPE:
        raise ShapeError(
            f"Expected a mask of {size[1]}x{size[0]} like the frames, got {width}x{height}; "
            "crop or pad it, or stretch it to the frames (--fit-mask)."
        )
    return stretch(mask[None], size)[0]


def stretched(mask: Tensor, size: tuple[int, int]) -> str:
    """Return the note about a mask (1,h,w) that `fit` stretches to a size; empty if it does not."""
    height, width = mask.shape[-2:]
    if (height, width) == size:
        return ""
    return f"the mask of {width}x{height} is stretched to the {size[1]}x{size[0]} of the frames"
