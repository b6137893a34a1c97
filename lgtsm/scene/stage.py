"""The geometry of the shot: a pinhole camera above flat ground, and the canvases in its picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from .noise import Array

Coords = TypeVar("Coords", float, Array)


@dataclass(frozen=True)
class Stage:
    """Position of the ground, the horizon and the edges of the canvases.

    World axes in metres: X right, Y up, Z forward from the camera's foot. Picture axes in output
    pixels: x right, y down, (0, 0) the frame's top left corner at rest.
    """

    height: int
    """Frame height in pixels."""
    width: int
    """Frame width in pixels."""
    lane: float
    """Distance of the vehicle's lane, metres."""
    eye: float
    """Camera height, metres."""
    margin_x: int
    """Painted pixels beyond the left and right frame edges."""
    margin_y: int
    """Painted pixels beyond the top and bottom frame edges."""
    density: int = 2
    """Texels per output pixel along each axis."""

    @property
    def focal(self) -> float:
        """Focal length in pixels (a moderate 29 degrees of vertical view)."""
        return 1.9 * self.height

    @property
    def horizon(self) -> float:
        """Row of the horizon in pixels."""
        return 0.40 * self.height

    @property
    def scale(self) -> float:
        """Size relative to the 270 rows for which the scene was designed."""
        return self.height / 270.0

    @property
    def canvas(self) -> tuple[int, int]:
        """Rows and columns of a layer's texture, in texels."""
        return (
            (self.height + 2 * self.margin_y) * self.density,
            (self.width + 2 * self.margin_x) * self.density,
        )

    def columns(self) -> Array:
        """Return the picture x of each texel column, (w,)."""
        count = self.canvas[1]
        return ((np.arange(count) + 0.5) / self.density - self.margin_x).astype(np.float32)

    def rows(self) -> Array:
        """Return the picture y of each texel row, (h,)."""
        count = self.canvas[0]
        return ((np.arange(count) + 0.5) / self.density - self.margin_y).astype(np.float32)

    def to_texel(self, x: Coords, y: Coords) -> tuple[Coords, Coords]:
        """Convert picture pixels to continuous texel coordinates of a canvas."""
        return (x + self.margin_x) * self.density, (y + self.margin_y) * self.density

    def ground_row(self, z: float) -> float:
        """Return the picture row of the ground at a distance in metres."""
        return self.horizon + self.focal * self.eye / z
