"""Make the holes of one clip by a rule; equal rules and clips give equal holes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...errors import OptionError, ShapeError
from ...masks.draw.face_box import face_box_masks
from ...masks.draw.free_form import SEED_LIMIT, free_form_masks
from ...masks.draw.kinds import Kind
from ...masks.draw.raster import draw_masks
from ...masks.morph import grow
from .clips import Clip, Footage, read_holes
from .protocols import HoleRule, Shape

DONOR_AREA = (0.02, 0.3)
"""Range of the mean coverage of another clip's object that may be laid over a clip; set by hand."""
_BIN_HALF = 0.05
"""Half the width of the published coverage bins."""
_MOST_DRAWS = 200
_SQUARES = 4
"""Number of squares."""
_STROKES_AT_FULL = 25
"""Initial number of strokes for a coverage of 1; only the search time depends on it."""


def cut_holes(
    rule: HoleRule, footage: Footage, number: int, donors: Sequence[Clip]
) -> Tensor | None:
    """Make the holes of one clip.

    Args:
        rule: how they are made.
        footage: the clip.
        number: the clip's index in its protocol; varies the seed.
        donors: clips whose object may be used, in the order in which they are tried.

    Returns:
        Holes (T,1,H,W), 1 = hole; None if the rule does not apply to this clip: it is not annotated,
        its object is never visible, or no other clip has an object of suitable size.

    Raises:
        OptionError: no draw of the published strokes falls into the bin.
    """
    count, _, height, width = footage.frames.shape
    clip_size, seed = (count, height, width), rule.seed + number
    if rule.shape is Shape.OWN:
        if footage.own is None or not footage.own.any():
            return None
        return grow(footage.own, rule.grow)
    if rule.shape is Shape.OBJECT:
        return _donated(donors, *clip_size)
    if rule.shape is Shape.BLOB:
        return draw_masks(*clip_size, kind=Kind.OBJECT, seed=seed, coverage_ratio=rule.coverage)
    if rule.shape is Shape.SQUARES:
        return _squares(*clip_size, seed=seed, coverage=rule.coverage or 0.06)
    if rule.shape is Shape.FACE_BOX:
        return face_box_masks(*clip_size, seed=seed)
    return _strokes(*clip_size, rule=rule, number=number)


def _donated(donors: Sequence[Clip], count: int, height: int, width: int) -> Tensor | None:
    """Return the object mask of the first donor whose object has a suitable size."""
    for donor in donors:
        if donor.masks is None:
            continue
        try:
            holes = read_holes(donor.masks, count, (height, width))
        except ShapeError:  # too few masks for these frames: try the next clip
            continue
        if DONOR_AREA[0] <= float(holes.mean()) <= DONOR_AREA[1] and holes.amax((1, 2, 3)).all():
            return holes
    return None


def _squares(count: int, height: int, width: int, *, seed: int, coverage: float) -> Tensor:
    """Place static squares that touch neither each other nor the frame's border."""
    rng = np.random.default_rng([seed, *b"squares"])
    side = max(1, round((coverage * height * width / _SQUARES) ** 0.5))
    hole = torch.zeros(height, width)
    taken = torch.zeros(height, width, dtype=torch.bool)
    placed = 0
    for _ in range(_MOST_DRAWS):
        top = int(rng.integers(1, max(2, height - side)))
        left = int(rng.integers(1, max(2, width - side)))
        around = (
            slice(max(0, top - side // 4), top + side + side // 4),
            slice(max(0, left - side // 4), left + side + side // 4),
        )
        if placed < _SQUARES and not taken[around].any():
            hole[top : top + side, left : left + side] = 1
            taken[around] = True
            placed += 1
    return hole.expand(count, 1, height, width).clone()


def _strokes(count: int, height: int, width: int, *, rule: HoleRule, number: int) -> Tensor:
    """Draw published strokes, seed after seed, until the coverage falls into the bin."""
    centre = rule.coverage or 0.05
    strokes = max(1, round(_STROKES_AT_FULL * centre))
    for attempt in range(_MOST_DRAWS):
        seed = (1000 * rule.seed + 100_000 * number + attempt) % SEED_LIMIT
        holes = free_form_masks(
            count, height, width, preset=rule.preset, seed=seed, num_strokes=strokes
        )
        missing = centre - float(holes.mean())
        if abs(missing) <= _BIN_HALF:
            return holes
        # one draw predicts the next one badly, so the number of strokes changes slowly
        strokes = max(1, round(strokes * (1 + missing))) + (missing > 0)
    raise OptionError(
        f"Expected {rule.preset} strokes that cover {centre:.0%} of {width}x{height}, got none in "
        f"{_MOST_DRAWS} draws; use the protocol's own frame size."
    )
