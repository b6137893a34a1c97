"""What the integer samples of a decoded frame mean: colour matrix and range.

A frame without a matrix tag is read as common players (mpv) do: BT.709 from 1280 columns or more
than 576 rows on, BT.601 below. Without a range tag, YUV is limited range, grey and RGB are full.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum, IntEnum

import av
import torch
from torch import Tensor

from .layout import Family, Layout

_log = logging.getLogger(__name__)


class Matrix(Enum):
    """Weights of red and blue in luma; BT.2020 with non-constant luminance."""

    BT709 = (0.2126, 0.0722)
    BT601 = (0.299, 0.114)
    BT2020 = (0.2627, 0.0593)
    SMPTE240M = (0.212, 0.087)
    FCC = (0.30, 0.11)


class Range(IntEnum):
    """Range tags as ffmpeg numbers them."""

    UNTAGGED = 0
    LIMITED = 1
    FULL = 2


UNTAGGED = 2
"""Number of H.273 for an unspecified matrix, transfer or primaries."""

# H.273 matrix coefficients. 10 (constant luminance) is read as 9, as players do; of two numbers
# for one matrix the first is written.
_MATRICES = {
    1: Matrix.BT709,
    4: Matrix.FCC,
    6: Matrix.BT601,
    5: Matrix.BT601,
    7: Matrix.SMPTE240M,
    9: Matrix.BT2020,
    10: Matrix.BT2020,
}


def matrix_number(matrix: Matrix) -> int:
    """Return the number of H.273 by which a matrix is tagged."""
    return next(number for number, known in _MATRICES.items() if known is matrix)


@dataclass(frozen=True)
class Colour:
    """Meaning of YUV samples."""

    matrix: Matrix
    """Weights of red and blue."""
    full: bool
    """Full range (0 is black, the largest number is white) instead of limited (16 to 235)."""

    def luma_scale(self, bits: int) -> tuple[float, float]:
        """Return (offset, span): the sample value of luma 0..1 is offset + span x luma."""
        if self.full:
            return 0.0, float((1 << bits) - 1)
        return float(16 << (bits - 8)), float(219 << (bits - 8))

    def chroma_scale(self, bits: int) -> tuple[float, float]:
        """Return (offset, span): the sample value of chroma -0.5..0.5 is offset + span x chroma."""
        span = (1 << bits) - 1 if self.full else 224 << (bits - 8)
        return float(1 << (bits - 1)), float(span)

    def rgb_parts(self, cb: Tensor, cr: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what must be added to luma for red, green and blue.

        Args:
            cb: blue difference, any shape, -0.5 to 0.5.
            cr: red difference, same shape and range.
        """
        kr, kb = self.matrix.value
        red = cr * (2 - 2 * kr)
        blue = cb * (2 - 2 * kb)
        green = (red * kr + blue * kb) / (kr + kb - 1)
        return red, green, blue

    def yuv(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Convert RGB to luma and chroma; luma of white is exactly 1.

        Args:
            rgb: (3,...) float in [0,1].

        Returns:
            Luma in [0,1], blue and red difference in [-0.5,0.5], each (...).
        """
        kr, kb = self.matrix.value
        red, green, blue = rgb
        luma = green + (red - green) * kr + (blue - green) * kb
        return luma, (blue - luma) / (2 - 2 * kb), (red - luma) / (2 - 2 * kr)


def quantise(values: Tensor, scale: tuple[float, float], bits: int) -> Tensor:
    """Round normalised values to sample values.

    Args:
        values: any shape, float.
        scale: (offset, span) from `luma_scale` or `chroma_scale`.
        bits: depth of the samples; the result is clamped to 0 .. 2^bits - 1.

    Returns:
        Integers as float32, same shape.
    """
    offset, span = scale
    return torch.round(values * span + offset).clamp_(0, (1 << bits) - 1)


def colour_of(frame: av.VideoFrame, layout: Layout) -> Colour:
    """Return what the samples of a decoded frame of a layout mean, guessing what is not tagged."""
    tag = int(frame.colorspace)
    matrix = _MATRICES.get(tag)
    if matrix is None:
        matrix = Matrix.BT709 if frame.width >= 1280 or frame.height > 576 else Matrix.BT601
        if layout.family is Family.YUV and tag not in (0, UNTAGGED):
            _log.warning("Colour matrix number %d is not known; %s is used.", tag, matrix.name)
    full = layout.full or layout.family is not Family.YUV
    if frame.color_range in (Range.LIMITED, Range.FULL):
        full = frame.color_range == Range.FULL
    return Colour(matrix, full)
