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
    """Weights of red and blue in luma; BT.2020 is the non-constant luminance kind."""

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

# H.273 matrix coefficients; 10 (constant luminance) is taken as 9, which is what players do.
# Of two numbers the first is written.
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
        """Give (offset, span) such that luma 0..1 is offset + span x luma in sample values."""
        if self.full:
            return 0.0, float((1 << bits) - 1)
        return float(16 << (bits - 8)), float(219 << (bits - 8))

    def chroma_scale(self, bits: int) -> tuple[float, float]:
        """Give (offset, span) such that chroma -0.5..0.5 is offset + span x chroma."""
        span = (1 << bits) - 1 if self.full else 224 << (bits - 8)
        return float(1 << (bits - 1)), float(span)

    def rgb_parts(self, cb: Tensor, cr: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give what chroma adds to luma in red, green and blue.

        Args:
            cb: blue difference, any shape, -0.5 to 0.5.
            cr: red difference, same shape and range.

        Returns:
            Red, green and blue parts, same shape; adding luma gives RGB.
        """
        kr, kb = self.matrix.value
        red = cr * (2 - 2 * kr)
        blue = cb * (2 - 2 * kb)
        green = (red * kr + blue * kb) / (kr + kb - 1)
        return red, green, blue

    def luma(self, rgb: Tensor) -> Tensor:
        """Weigh RGB into luma; white is exactly 1.

        Args:
            rgb: (3,...) float.

        Returns:
            (...) float in the range of `rgb`.
        """
        kr, kb = self.matrix.value
        red, green, blue = rgb
        return green + (red - green) * kr + (blue - green) * kb

    def yuv(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Split RGB into luma and chroma.

        Args:
            rgb: (3,...) float in [0,1].

        Returns:
            Luma in [0,1], blue and red difference in [-0.5,0.5], each (...).
        """
        kr, kb = self.matrix.value
        luma = self.luma(rgb)
        return luma, (rgb[2] - luma) / (2 - 2 * kb), (rgb[0] - luma) / (2 - 2 * kr)


def quantise(values: Tensor, scale: tuple[float, float], bits: int) -> Tensor:
    """Round normalised values to sample numbers.

    Args:
        values: any shape, float.
        scale: (offset, span) from `luma_scale` or `chroma_scale`.
        bits: depth of the samples; the result is clamped to 0 .. 2^bits - 1.

    Returns:
        Whole numbers as float32, same shape.
    """
    offset, span = scale
    return torch.round(values * span + offset).clamp_(0, (1 << bits) - 1)


def colour_of(frame: av.VideoFrame, layout: Layout) -> Colour:
    """Read matrix and range of a decoded frame, guessing what is not tagged.

    Args:
        frame: decoded frame.
        layout: layout of its pixel format.

    Returns:
        The meaning of its samples.
    """
    return guess_colour(
        int(frame.colorspace), int(frame.color_range), layout, frame.height, frame.width
    )


def guess_colour(space: int, span: int, layout: Layout, height: int, width: int) -> Colour:
    """Turn tag numbers into a meaning, guessing what is not tagged.

    Args:
        space: matrix number of H.273 (2 is untagged).
        span: 1 limited, 2 full, anything else untagged.
        layout: layout of the samples.
        height: rows of the picture.
        width: columns of the picture.

    Returns:
        The meaning of the samples.
    """
    matrix = _MATRICES.get(space)
    if matrix is None:
        matrix = Matrix.BT709 if width >= 1280 or height > 576 else Matrix.BT601
        if layout.family is Family.YUV and space not in (0, UNTAGGED):
            _log.warning("Colour matrix number %d is not known; %s is used.", space, matrix.name)
    if span == Range.LIMITED:
        full = False
    else:
        full = span == Range.FULL or layout.full or layout.family is not Family.YUV
    return Colour(matrix, full)
