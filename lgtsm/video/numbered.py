"""Masks of an image sequence, found by the numbers in their names where these have gaps."""

from __future__ import annotations

import logging
import re
from itertools import pairwise
from pathlib import Path

from ..errors import VideoError

_log = logging.getLogger(__name__)


def masks_of_frames(masks: list[Path], frames: list[Path]) -> list[Path]:
    """Return the masks of a sequence in the order of its frames.

    The order of the names decides, unless numbers are left out in one of the folders: then masks
    have the numbers of their frames.

    Args:
        masks: images in natural order.
        frames: images in natural order.

    Raises:
        VideoError: a frame of a sequence with gaps has no mask of its number.
    """
    of_masks, of_frames = _numbers(masks), _numbers(frames)
    if of_masks is None or of_frames is None or not set(of_masks) & set(of_frames):
        return masks
    same_steps = len({m - f for m, f in zip(of_masks, of_frames, strict=False)}) == 1
    if (_is_whole(of_masks) and _is_whole(of_frames)) or (same_steps and len(masks) == len(frames)):
        return masks
    found = dict(zip(of_masks, masks, strict=True))
    for number, frame in zip(of_frames, frames, strict=True):
        if number not in found:
            raise VideoError(
                f"Expected a mask of the same number for every frame of a sequence with gaps, got none "
                f"for {frame.name} in {masks[0].parent}; add one, black where nothing is filled."
            )
    _log.info("Numbers are left out in a sequence; masks belong to the frames of their numbers.")
    return [found[number] for number in of_frames]


def _numbers(files: list[Path]) -> list[int] | None:
    """Return the last numbers in names that tell all files apart, None where there are none."""
    texts = [re.findall(r"\d+", file.stem) for file in files]
    if len(files) < 2 or len({len(text) for text in texts}) > 1:
        return None
    for column in reversed(list(zip(*texts, strict=True))):
        numbers = [int(text) for text in column]
        if len(set(numbers)) == len(numbers):
            return numbers
    return None


def _is_whole(numbers: list[int]) -> bool:
    return all(b - a == 1 for a, b in pairwise(numbers))
