"""Masks in a folder, found by the numbers in their names where these leave some out."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from ..errors import VideoError

_log = logging.getLogger(__name__)


def masks_of_frames(masks: Sequence[Path], frames: Sequence[Path]) -> list[Path | None]:
    """Return the masks of an image sequence in the order of its frames.

    The order of the names decides, unless numbers are left out in one of the folders: then masks
    have the numbers of their frames.

    Args:
        masks: images in natural order.
        frames: images in natural order.

    Returns:
        One mask a frame, None where there is none of its number; or all masks in order.
    """
    of_masks, of_frames = numbers_in_names(masks), numbers_in_names(frames)
    if (
        len(masks) < 2
        or of_masks is None
        or of_frames is None
        or not set(of_masks) & set(of_frames)
    ):
        return list(masks)
    same_steps = len({m - f for m, f in zip(of_masks, of_frames, strict=False)}) == 1
    if (_is_whole(of_masks) and _is_whole(of_frames)) or (same_steps and len(masks) == len(frames)):
        return list(masks)
    found = dict(zip(of_masks, masks, strict=True))
    _log.info("Numbers are left out in a sequence; masks belong to the frames of their numbers.")
    return [found.get(number) for number in of_frames]


def masks_of_film(masks: Sequence[Path], num_frames: int) -> list[Path | None]:
    """Return the masks of a film in the order of its frames.

    The order of the names decides where there is one mask a frame, or where no numbers are left out from
    0 or 1 on; else masks have the numbers of their frames, counted from 0.

    Args:
        masks: images in natural order.
        num_frames: of the film.

    Returns:
        One mask a frame, None where there is none of its number; or all masks in order.

    Raises:
        VideoError: a number beyond the film.
    """
    numbers = numbers_in_names(masks)
    if numbers is None or len(masks) in (1, num_frames) or (_is_whole(numbers) and numbers[0] < 2):
        return list(masks)
    check_numbers(masks, numbers, num_frames)
    found = dict(zip(numbers, masks, strict=True))
    return [found.get(number) for number in range(num_frames)]


def check_numbers(masks: Sequence[Path], numbers: Sequence[int], num_frames: int) -> None:
    """Raise VideoError where a mask has a number beyond the film."""
    if max(numbers) >= num_frames:
        late = masks[numbers.index(max(numbers))]
        raise VideoError(
            f"Expected masks with the numbers of their frames, 0 to {num_frames - 1}, got {late.name} in "
            f"{late.parent}; rename it, or give one mask a frame."
        )


def numbers_in_names(files: Sequence[Path]) -> list[int] | None:
    """Return the last numbers in names that tell all files apart, None where there are none."""
    texts = [re.findall(r"\d+", file.stem) for file in files]
    if not files or len({len(text) for text in texts}) > 1:
        return None
    for column in reversed(list(zip(*texts, strict=True))):
        numbers = [int(text) for text in column]
        if len(set(numbers)) == len(numbers):
            return numbers
    return None


def _is_whole(numbers: Sequence[int]) -> bool:
    return all(b - a == 1 for a, b in pairwise(numbers))
