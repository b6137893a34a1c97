"""The published square over faces; 1 = hole.

The published code draws from Python's global generator, so this file uses `random.Random`, the same
algorithm with its own state.
"""

from __future__ import annotations

from random import Random  # noqa: TID251 - the published masks were drawn with it

import torch
from torch import Tensor

from ...errors import OptionError
from .free_form import check_clip_size

SIDE_RATIO_RANGE = (0.375, 0.5)
"""Side of the square over the shorter side of the frame, as published."""
SMALLEST_BOX_FRAME = 2
"""Smallest frame side at which the published draw has room for the square."""


def face_box_masks(num_frames: int, height: int, width: int, *, seed: int) -> Tensor:
    """Draw the square that the published code puts over faces; the same in all frames.

    Args:
        num_frames: frames of the clip, 1 or more.
        height: of a frame in pixels, 2 or more.
        width: of a frame in pixels, 2 or more.
        seed: any integer.

    Returns:
        Holes (T,1,H,W) float32, 0 or 1, 1 = hole.

    Raises:
        OptionError: a number is outside its range.
    """
    check_clip_size(num_frames, height, width)
    if min(height, width) < SMALLEST_BOX_FRAME:
        raise OptionError(
            f"Expected height and width of {SMALLEST_BOX_FRAME} or more, got {height} and {width};"
            " give a larger frame."
        )
    rng = Random(seed)
    low, high = SIDE_RATIO_RANGE
    side = int(min(height, width) * (rng.random() * (high - low) + low))
    left = rng.randrange(0, width - side)
    top = rng.randrange(0, height - side)
    holes = torch.zeros(num_frames, 1, height, width)
    # The published rectangle includes its far corner: side + 1 pixels.
    holes[..., top : top + side + 1, left : left + side + 1] = 1
    return holes
