"""Rectangles of pixels, and the smallest one around a hole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Box:
    """Half-open rectangle in pixels: rows top..bottom, columns left..right; may leave the frame."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left

    @property
    def rows(self) -> slice:
        """The box's rows in a tensor of the whole frame."""
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        """The box's columns in a tensor of the whole frame."""
        return slice(self.left, self.right)

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.height * self.width

    @property
    def is_empty(self) -> bool:
        """Whether it holds no pixel."""
        return self.height <= 0 or self.width <= 0

    def __or__(self, other: Box | None) -> Box:
        """Return the smallest box around both."""
        if other is None:
            return self
        return Box(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )

    __ror__ = __or__

    def __and__(self, other: Box) -> Box:
        """Return the common part, which may be empty."""
        return Box(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )

    def grow(self, pixels: int) -> Box:
        """Return the box with so many pixels more on every side."""
        return Box(self.top - pixels, self.left - pixels, self.bottom + pixels, self.right + pixels)

    def moved(self, down: int, right: int) -> Box:
        """Return the box so many pixels further down and to the right."""
        return Box(self.top + down, self.left + right, self.bottom + down, self.right + right)

    def aligned(self, step: int) -> Box:
        """Return the smallest box around this one whose edges are multiples of `step`."""
        return Box(
            self.top // step * step,
            self.left // step * step,
            -(-self.bottom // step) * step,
            -(-self.right // step) * step,
        )

    def within(self, origin: Box) -> tuple[slice, slice]:
        """Return the slices of this box in a tensor that covers `origin`."""
        return (
            slice(self.top - origin.top, self.bottom - origin.top),
            slice(self.left - origin.left, self.right - origin.left),
        )


def hole_box(hole: Tensor) -> Box | None:
    """Return the smallest box around a hole.

    Args:
        hole: (...,h,w), above 0 = hole; leading dimensions are united.

    Returns:
        The box, or None where there is no hole.
    """
    plane = (hole > 0).flatten(0, -3).any(0) if hole.dim() > 2 else hole > 0
    rows, columns = plane.any(1).nonzero(), plane.any(0).nonzero()
    if len(rows) == 0:
        return None
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def union(boxes: Iterable[Box | None]) -> Box | None:
    """Return the smallest box around all boxes, or None when there is none."""
    result: Box | None = None
    for box in boxes:
        if box is not None:
            result = box | result
    return result
