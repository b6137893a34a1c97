"""Masks between hand-drawn key masks, by shape interpolation.

Between two shapes lies the zero level of their blended signed distances (Raya and Udupa, "Shape-Based
Interpolation of Multidimensional Objects", IEEE TMI 1990), here after both have been moved to a common
centre, so that an object that travels keeps its shape. Parts of a mask go each from its place to its next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from ..errors import OptionError, ShapeError
from .regions import Flags, Numbers, Values, regions, shifted, signed_distance


def masks_between(keys: Mapping[int, Tensor], num_frames: int) -> Iterator[Tensor]:
    """Make one mask a frame of a few key masks.

    Key masks come out as they are. Before the first and after the last one the mask stands still; so it
    does between a mask and an empty one, until the frame of the empty one.

    Args:
        keys: frame number, from 0, to mask (1,H,W) in [0,1]; above 0.5 = hole.
        num_frames: length of the clip.

    Yields:
        (1,H,W) float32, 0 or 1, one per frame.

    Raises:
        OptionError: there is no key mask, or one beyond the clip; ShapeError: masks of several sizes.
    """
    numbers = sorted(keys)
    if not numbers:
        raise OptionError("Expected at least one key mask, got none; paint one.")
    if numbers[0] < 0 or numbers[-1] >= num_frames:
        wrong = numbers[0] if numbers[0] < 0 else numbers[-1]
        raise OptionError(
            f"Expected key masks of the frames 0 to {num_frames - 1}, got one of frame {wrong}; correct "
            "its number."
        )
    shapes = {tuple(mask.shape) for mask in keys.values()}
    if len(shapes) > 1 or len(next(iter(shapes))) != 3 or next(iter(shapes))[0] != 1:
        raise ShapeError(
            f"Expected key masks (1,H,W) of one size, got {', '.join(map(str, sorted(shapes)))}; draw "
            "them over frames of the same clip."
        )
    return _all(keys, numbers, num_frames)


def _all(keys: Mapping[int, Tensor], numbers: Sequence[int], num_frames: int) -> Iterator[Tensor]:
    shapes = {number: keys[number][0].detach().cpu().numpy() > 0.5 for number in numbers[:1]}
    for _ in range(numbers[0]):
        yield _mask(shapes[numbers[0]])
    for first, last in pairwise(numbers):
        before, after = shapes.pop(first), keys[last][0].detach().cpu().numpy() > 0.5
        shapes[last] = after
        yield _mask(before)
        parts = _parts(before, after) if before.any() and after.any() else []
        for number in range(first + 1, last):
            share = (number - first) / (last - first)
            if not parts:
                yield _mask(before)
                continue
            found = np.zeros_like(before)
            for part in parts:
                part.draw(found, share)
            yield _mask(found)
    for _ in range(num_frames - numbers[-1]):
        yield _mask(shapes[numbers[-1]])


def _mask(shape: Flags) -> Tensor:
    return torch.from_numpy(shape[None].astype(np.float32))


@dataclass(frozen=True)
class _Part:
    """A shape before and after.

    before, after: signed distances, positive inside, in one window around the common centre; start, end:
    place (row, column) of the window's first pixel in either picture.
    """

    before: Values
    after: Values
    start: Numbers
    end: Numbers

    def draw(self, picture: Flags, share: float) -> None:
        """Draw the shape into a picture (H,W), at a share of the way (0..1)."""
        corner = self.start + share * (self.end - self.start)
        whole = np.floor(corner).astype(int)
        blend = (1 - share) * self.before + share * self.after
        moved = shifted(blend, *(corner - whole)) > 0
        top, left = np.maximum(whole, 0)
        bottom, right = np.minimum(whole + moved.shape, picture.shape)
        if bottom > top and right > left:
            inside = moved[top - whole[0] : bottom - whole[0], left - whole[1] : right - whole[1]]
            picture[top:bottom, left:right] |= inside


def _parts(before: Flags, after: Flags) -> list[_Part]:
    """Pair the connected regions of two shapes where they are as many, or else both as a whole."""
    (one, count), (other, same) = regions(before), regions(after)
    if count != same:
        return [_part(before, after)]
    starts, ends = ([x == n for n in range(1, count + 1)] for x in (one, other))
    centres, places = (np.array([_centre(shape) for shape in shapes]) for shapes in (starts, ends))
    distances = np.linalg.norm(centres[:, None] - places[None], axis=-1)
    return [
        _part(starts[a], ends[b]) for a, b in zip(*linear_sum_assignment(distances), strict=True)
    ]


def _centre(shape: Flags) -> Values:
    """Return the mean row and column of a shape (h,w)."""
    return np.argwhere(shape).mean(0)


def _part(before: Flags, after: Flags) -> _Part:
    """Move two shapes (H,W) to a common centre."""
    corners, crops = [], []
    for shape in (before, after):
        pixels = np.argwhere(shape)
        (top, left), (bottom, right) = pixels.min(0), pixels.max(0) + 1
        corners.append(np.array([top, left]))
        crops.append(shape[top:bottom, left:right])
    # whole pixels to the centre: the shapes themselves are not resampled
    middles = [np.round(_centre(crop)).astype(np.intp) for crop in crops]
    ahead = np.maximum(*middles) + 1
    behind = np.maximum(*(np.array(c.shape) - m for c, m in zip(crops, middles, strict=True))) + 1
    distances = []
    for crop, middle in zip(crops, middles, strict=True):
        rest = behind - (np.array(crop.shape) - middle)
        distances.append(signed_distance(np.pad(crop, np.stack([ahead - middle, rest], 1))))
    start, end = (c + m - ahead for c, m in zip(corners, middles, strict=True))
    return _Part(distances[0], distances[1], start, end)
