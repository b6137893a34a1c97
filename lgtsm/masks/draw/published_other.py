"""Two further masks of the published code: face boxes and random walks; 1 = hole.

The published code draws from Python's own generator, so this file uses `random.Random`, the same
algorithm with a state of its own; nowhere else is it needed.
"""

from __future__ import annotations

from random import Random  # noqa: TID251 - the published masks were drawn with it

import torch
from torch import Tensor

from ...errors import OptionError
from .free_form import check_clip_size

SIDE_RATIO_RANGE = (0.375, 0.5)
"""Side of the face box over the shorter side of the frame."""
SMALLEST_BOX_FRAME = 2
"""Below this many pixels a side the published draw has no place for the box."""
WALK_STEPS = ((0, 1), (0, -1), (1, 0), (-1, 0))
"""Row and column steps in the order of the published table."""


def face_box_masks(num_frames: int, height: int, width: int, *, seed: int) -> Tensor:
    """Draw the square that the published code lays over faces; the same in all frames.

    Args:
        num_frames: frames of the clip, 1 or more.
        height: of a frame in pixels, 2 or more.
        width: of a frame in pixels, 2 or more.
        seed: any whole number.

    Returns:
        Holes (T,1,H,W) float32, 0 or 1, 1 = hole.

    Raises:
        OptionError: a number outside its range.
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


def random_walk_masks(
    num_frames: int, height: int, width: int, *, seed: int, length: int
) -> Tensor:
    """Draw the published random walk: what it visits is known, all else is hole.

    Args:
        num_frames: frames of the clip, 1 or more; all are the same.
        height: of a frame in pixels, 1 or more.
        width: of a frame in pixels, 1 or more.
        seed: any whole number.
        length: steps of the walk, 0 or more; steps over the border stay on it.

    Returns:
        Holes (T,1,H,W) float32, 0 or 1, 1 = hole.

    Raises:
        OptionError: a number outside its range.
    """
    check_clip_size(num_frames, height, width)
    if length < 0:
        raise OptionError(f"Expected a walk of 0 steps or more, got {length}; count its steps.")
    rng = Random(seed)
    row, column = rng.randint(0, height - 1), rng.randint(0, width - 1)
    known = torch.zeros(height, width)
    rows, columns = [], []
    for _ in range(length):
        down, right = WALK_STEPS[rng.randint(0, 3)]
        row = min(max(row + down, 0), height - 1)
        column = min(max(column + right, 0), width - 1)
        rows.append(row)
        columns.append(column)
    known[rows, columns] = 1
    return (1 - known).expand(num_frames, 1, height, width).clone()
