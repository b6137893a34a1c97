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
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from ..errors import OptionError, ShapeError

_Flags = NDArray[np.bool_]
_Values = NDArray[np.float64]


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


def _mask(shape: _Flags) -> Tensor:
    return torch.from_numpy(shape[None].astype(np.float32))


@dataclass(frozen=True)
class _Part:
    """A shape before and after.

    before, after: signed distances, positive inside, in one window around the common centre; start, end:
    place (row, column) of the window's first pixel in either picture.
    """

    before: _Values
    after: _Values
    start: _Values
    end: _Values

    def draw(self, picture: _Flags, share: float) -> None:
        """Draw the shape into a picture (H,W), at a share of the way (0..1)."""
        corner = self.start + share * (self.end - self.start)
        whole = np.floor(corner).astype(int)
        blend = (1 - share) * self.before + share * self.after
        moved = ndimage.shift(blend, corner - whole, order=1, mode="nearest") > 0
        top, left = np.maximum(whole, 0)
        bottom, right = np.minimum(whole + moved.shape, picture.shape)
        if bottom > top and right > left:
            inside = moved[top - whole[0] : bottom - whole[0], left - whole[1] : right - whole[1]]
            picture[top:bottom, left:right] |= inside


def _parts(before: _Flags, after: _Flags) -> list[_Part]:
    """Pair the connected regions of two shapes where they are as many, or else both as a whole."""
    (one, count), (other, same) = (ndimage.label(s, np.ones((3, 3))) for s in (before, after))
    if count != same:
        return [_part(before, after)]
    index = np.arange(1, count + 1)
    centres, places = (np.array(ndimage.center_of_mass(x > 0, x, index)) for x in (one, other))
    distances = np.linalg.norm(centres[:, None] - places[None], axis=-1)
    return [
        _part(one == index[a], other == index[b])
        for a, b in zip(*linear_sum_assignment(distances), strict=True)
    ]


def _part(before: _Flags, after: _Flags) -> _Part:
    """Move two shapes (H,W) to a common centre."""
    windows = [ndimage.find_objects(shape.astype(np.uint8))[0] for shape in (before, after)]
    crops = [shape[window] for shape, window in zip((before, after), windows, strict=True)]
    middles = [np.array(ndimage.center_of_mass(crop)) for crop in crops]
    # a whole number of pixels to the centre: the shapes themselves are not resampled
    reach = [np.round(middle).astype(int) for middle in middles]
    ahead = np.maximum(*reach) + 1
    behind = np.max([np.array(c.shape) - r for c, r in zip(crops, reach, strict=True)], 0) + 1
    distances, corners = [], []
    for crop, middle, window in zip(crops, reach, windows, strict=True):
        lead, rest = ahead - middle, behind - (np.array(crop.shape) - middle)
        padded = np.pad(crop, [(int(a), int(b)) for a, b in zip(lead, rest, strict=True)])
        distances.append(_signed_distance(padded))
        corners.append(np.array([window[0].start, window[1].start]) - lead)
    return _Part(distances[0], distances[1], corners[0].astype(float), corners[1].astype(float))


def _signed_distance(shape: _Flags) -> _Values:
    """Return the distance (h,w) to the edge of a shape in pixels, positive inside."""
    inside, outside = (ndimage.distance_transform_edt(x) for x in (shape, ~shape))
    return np.where(shape, inside - 0.5, 0.5 - outside)
