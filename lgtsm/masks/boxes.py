"""Masks from boxes given as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import torch
from torch import Tensor

from ..errors import OptionError, shown

_PATTERN = re.compile(r"(-?\d{1,9}),(-?\d{1,9}),(\d{1,9}),(\d{1,9})(?:@(\d{0,9})-(\d{0,9}))?")


@dataclass(frozen=True)
class MaskBox:
    """A rectangle of holes over a range of frames.

    left, top, width, height: in pixels; start, end: frames, end excluded, None: to the last frame.
    """

    left: int
    top: int
    width: int
    height: int
    start: int = 0
    end: int | None = None

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: the box has no area or no frame.
        """
        if self.width < 1 or self.height < 1 or self.start < 0:
            raise OptionError(
                f"Expected a box of 1 or more pixels from frame 0 or later, got {self}; enlarge it."
            )
        if self.end is not None and self.end <= self.start:
            raise OptionError(f"Expected a box with first < last frame, got {self}; swap them.")

    def delayed(self, frames: int) -> MaskBox:
        """Return the same box, delayed by some frames."""
        end = None if self.end is None else self.end + frames
        return replace(self, start=self.start + frames, end=end)

    @staticmethod
    def parse(text: str) -> MaskBox:
        """Read `x,y,w,h` or `x,y,w,h@start-end`.

        Raises:
            OptionError: the text has another form, or the box or range is empty.
        """
        match = _PATTERN.fullmatch(text.replace(" ", ""))
        if match is None:
            raise OptionError(
                f"Expected a box as x,y,width,height or x,y,width,height@first-last, got {shown(text)}; "
                "use whole numbers of pixels and frames."
            )
        left, top, width, height = (int(v) for v in match.groups()[:4])
        start = int(match[5] or 0)
        end = int(match[6]) if match[6] else None
        return MaskBox(left, top, width, height, start, end)


def box_masks(
    boxes: Sequence[MaskBox], height: int, width: int, *, start: int = 0
) -> Iterator[Tensor]:
    """Yield masks (1,H,W), 1 = hole, endlessly; zip them with the frames.

    Args:
        boxes: may overlap.
        height: of the frames, in pixels.
        width: of the frames.
        start: number of the first frame.

    Raises:
        OptionError: there is no box, or one is outside the frame.
    """
    if not boxes:
        raise OptionError("Expected at least one box, got none; add x,y,width,height.")
    for box in boxes:
        ahead = box.left >= width or box.top >= height
        if ahead or min(box.left + box.width, box.top + box.height) <= 0:
            raise OptionError(
                f"Expected boxes inside {width}x{height}, got {box.left},{box.top},{box.width},"
                f"{box.height}; move it into the frame."
            )
    return _draw(boxes, height, width, start)


def _draw(boxes: Sequence[MaskBox], height: int, width: int, start: int) -> Iterator[Tensor]:
    for index in count(start):
        mask = torch.zeros(1, height, width)
        for box in boxes:
            if box.start <= index and (box.end is None or index < box.end):
                rows = slice(max(0, box.top), max(0, box.top + box.height))
                columns = slice(max(0, box.left), max(0, box.left + box.width))
                mask[:, rows, columns] = 1
        yield mask
