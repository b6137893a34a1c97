"""The part of a picture that a still-image model sees, brought to the size that it takes.

A model of one size sees the surroundings of the hole, reduced where they are larger than it and mirrored
at their edges where they are smaller; any other sees the whole picture, mirrored to whole steps of its
strides.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d, interpolate

from ..box import Box

_STEP = 8
"""Sides are multiples of it where a model takes any size: most networks halve three times."""
_LEAST_SIDE = 64
_CONTEXT = 2
"""Sides of what a model of one size sees, in sides of the hole; set by hand."""


@dataclass(frozen=True)
class ModelFrame:
    """What a model sees of one picture.

    box: the part of the picture.
    inner: (height, width) to which the part is reduced.
    outer: (height, width) of the model, reached by mirroring.
    """

    box: Box
    inner: tuple[int, int]
    outer: tuple[int, int]

    @classmethod
    def around(
        cls, hole: Box, picture: tuple[int, int], fixed: tuple[int, int] | None
    ) -> ModelFrame:
        """Choose what a model sees.

        Args:
            hole: box around the hole.
            picture: (height, width) of the picture.
            fixed: the only (height, width) that the model takes; None takes any.
        """
        if fixed is None:
            outer = tuple(max(_LEAST_SIDE, -(-side // _STEP) * _STEP) for side in picture)
            return cls(Box(0, 0, *picture), picture, (outer[0], outer[1]))
        scale = max(1.0, _CONTEXT * hole.height / fixed[0], _CONTEXT * hole.width / fixed[1])
        height, width = (min(p, round(f * scale)) for p, f in zip(picture, fixed, strict=True))
        top = _start(hole.top, hole.bottom, height, picture[0])
        left = _start(hole.left, hole.right, width, picture[1])
        ratio = min(1.0, fixed[0] / height, fixed[1] / width)
        inner = max(1, round(height * ratio)), max(1, round(width * ratio))
        return cls(Box(top, left, top + height, left + width), inner, fixed)

    def shown(self, values: Tensor) -> Tensor:
        """Return colours (1,C,h,w) of the picture as the model sees them, (1,C,*outer)."""
        part = values[..., self.box.rows, self.box.columns]
        if self.inner != (self.box.height, self.box.width):
            part = interpolate(part, self.inner, mode="bilinear", antialias=True)
        return self._mirrored(part)

    def shown_hole(self, hole: Tensor) -> Tensor:
        """Return a hole (1,1,h,w) as the model sees it: every pixel that is partly hole."""
        part = hole[..., self.box.rows, self.box.columns]
        return self._mirrored(adaptive_max_pool2d(part, self.inner))

    def paste(self, picture: Tensor, made: Tensor) -> Tensor:
        """Return the picture (1,3,h,w) with what the model made, (1,3,*outer), in its part."""
        part = made[..., : self.inner[0], : self.inner[1]]
        size = self.box.height, self.box.width
        if self.inner != size:
            part = interpolate(part, size, mode="bicubic", align_corners=False)
        picture = picture.clone()
        picture[..., self.box.rows, self.box.columns] = part
        return picture

    def _mirrored(self, values: Tensor) -> Tensor:
        rows, columns = (
            _mirror(inner, outer, values.device)
            for inner, outer in zip(self.inner, self.outer, strict=True)
        )
        return values[..., rows, :][..., columns]


def _start(begin: int, end: int, length: int, limit: int) -> int:
    """Return where a stretch around begin..end starts that stays within 0..limit."""
    return min(max(0, (begin + end - length) // 2), limit - length)


def _mirror(length: int, wanted: int, device: torch.device) -> Tensor:
    """Return which of `length` pixels each of `wanted` shows: forth, back, forth, ..."""
    index = torch.arange(wanted, device=device) % (2 * length)
    return torch.minimum(index, 2 * length - 1 - index)
