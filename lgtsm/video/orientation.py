"""Display orientation of a stored picture: the four rotations and their mirror images."""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass

import av
from torch import Tensor

from .native import side_data

_log = logging.getLogger(__name__)

_ONE = 1 << 16  # display matrices hold 16.16 fixed point numbers


@dataclass(frozen=True)
class Orientation:
    """Steps from stored to display orientation: swap the axes, then mirror rows and columns."""

    swap: bool = False
    """Exchange rows and columns first."""
    mirror_rows: bool = False
    """Then flip vertically."""
    mirror_columns: bool = False
    """Then flip horizontally."""
    matrix: tuple[int, ...] | None = None
    """The nine numbers of the file's display matrix, copied unchanged."""

    @property
    def degrees(self) -> int:
        """Counter-clockwise rotation in degrees (0, 90, 180, 270), without mirroring."""
        if self.swap:
            return 90 if self.mirror_rows else 270
        return 180 if self.mirror_rows and self.mirror_columns else 0

    def upright(self, picture: Tensor) -> Tensor:
        """Turn a picture (...,H,W) from stored to display orientation; contiguous."""
        if self.swap:
            picture = picture.transpose(-1, -2)
        return self._mirrored(picture).contiguous()

    def stored(self, picture: Tensor) -> Tensor:
        """Turn a picture (...,H,W) from display to stored orientation."""
        picture = self._mirrored(picture)
        return picture.transpose(-1, -2) if self.swap else picture

    def _mirrored(self, picture: Tensor) -> Tensor:
        axes = [-2] * self.mirror_rows + [-1] * self.mirror_columns
        return picture.flip(axes) if axes else picture


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """Return the orientation of a decoded frame by its display matrix.

    Matrices that are no multiple of 90 degrees count as upright and are logged.
    """
    side = side_data(frame).get("DISPLAYMATRIX")
    if side is None:
        return Orientation()
    matrix = struct.unpack("=9i", bytes(side)[:36])
    # x' = a x + c y and y' = b x + d y, y pointing down (ffmpeg, libavutil/display.h).
    a, b, c, d = (round(matrix[i] / _ONE) for i in (0, 1, 3, 4))
    if a and d and not b and not c:
        return Orientation(False, d < 0, a < 0, matrix)
    if b and c and not a and not d:
        return Orientation(True, b < 0, c < 0, matrix)
    _log.warning("The display matrix %s is no quarter turn; the picture is used as stored.", matrix)
    return Orientation()
