"""From a rule to the holes of one clip; equal rules and clips give equal holes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...errors import OptionError, ShapeError
from ...masks.draw.free_form import SEED_LIMIT, free_form_masks
from ...masks.draw.kinds import Kind
from ...masks.draw.published_other import face_box_masks
from ...masks.draw.raster import draw_masks
from ...masks.morph import grow
from .clips import Clip, Footage, read_holes
from .protocols import HoleRule, Shape

DONOR_AREA = (0.02, 0.3)
"""Mean share of the picture that another clip's object must cover to be laid over a clip."""
_BIN_HALF = 0.05
_MOST_DRAWS = 200
_SQUARES = 4
_STROKES_AT_FULL = 25
"""Strokes for a share of 1, where the search for their number begins."""


def cut_holes(
    rule: HoleRule, footage: Footage, number: int, donors: Sequence[Clip]
) -> Tensor | None:
    """Make the holes of one clip.

    Args:
        rule: what kind.
        footage: the clip.
        number: the clip's place in its protocol; varies the seed.
        donors: clips that may lend their object, in the order in which they are tried.

    Returns:
        Holes (T,1,H,W), 1 = hole; None where the rule has nothing for this clip: it is not
        annotated, its object never shows, or no other clip has one of a fitting size.

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
        return _borrowed(donors, *clip_size)
    if rule.shape is Shape.BLOB:
        return draw_masks(*clip_size, kind=Kind.OBJECT, seed=seed, coverage_ratio=rule.coverage)
    if rule.shape is Shape.SQUARES:
        return _squares(*clip_size, seed=seed, coverage=rule.coverage or 0.06)
    if rule.shape is Shape.FACE_BOX:
        return face_box_masks(*clip_size, seed=seed)
    return _strokes(*clip_size, rule=rule, number=number)


def _borrowed(donors: Sequence[Clip], count: int, height: int, width: int) -> Tensor | None:
    """Return the object of the first donor whose object has a fitting size."""
    for donor in donors:
        if donor.masks is None:
            continue
        try:
            holes = read_holes(donor.masks, count, (height, width))
        except ShapeError:  # too few masks for these frames: another clip may lend its object
            continue
        if DONOR_AREA[0] <= float(holes.mean()) <= DONOR_AREA[1] and holes.amax((1, 2, 3)).all():
            return holes
    return None


def _squares(count: int, height: int, width: int, *, seed: int, coverage: float) -> Tensor:
    """Place squares that stand still and do not touch each other or the border."""
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
    """Draw published strokes with one seed after the other until the clip falls into the bin."""
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
        # one stroke says nothing of the next draw's size, so the number follows slowly
        strokes = max(1, round(strokes * (1 + missing))) + (missing > 0)
    raise OptionError(
        f"Expected a draw of {rule.preset} that covers {centre:.0%} of {width}x{height}, got none "
        f"in {_MOST_DRAWS}; use the protocol's own frame size."
    )
