"""The geometry of the shot: one pinhole camera above a flat ground, and canvases in its picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .noise import Array


@dataclass(frozen=True)
class Stage:
    """Where the ground, the horizon and the edges of the painted canvases are.

    World axes in metres: X right, Y up, Z forward from the camera's foot. Picture axes in output
    pixels: x right, y down, (0, 0) the frame's top left corner at rest.
    """

    height: int
    """Frame height in pixels."""
    width: int
    """Frame width in pixels."""
    lane: float
    """Distance of the lane the actor moves on, metres."""
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
        """Size relative to the 270-row picture the scene was designed at."""
        return self.height / 270.0

    @property
    def canvas(self) -> tuple[int, int]:
        """Rows and columns of a layer's texture."""
        return (
            (self.height + 2 * self.margin_y) * self.density,
            (self.width + 2 * self.margin_x) * self.density,
        )

    def columns(self) -> Array:
        """Give the picture x of each texel column, shape (w,)."""
        count = self.canvas[1]
        return ((np.arange(count) + 0.5) / self.density - self.margin_x).astype(np.float32)

    def rows(self) -> Array:
        """Give the picture y of each texel row, shape (h,)."""
        count = self.canvas[0]
        return ((np.arange(count) + 0.5) / self.density - self.margin_y).astype(np.float32)

    def project(self, x: Array, y: Array, z: Array) -> tuple[Array, Array]:
        """Give the picture position of world points.

        Args:
            x: metres to the right.
            y: metres above the ground.
            z: metres ahead, above 0.

        Returns:
            Picture x and y in pixels.
        """
        return (
            self.width / 2.0 + self.focal * np.asarray(x) / z,
            self.horizon + self.focal * (self.eye - np.asarray(y)) / z,
        )

    def to_texel(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Turn picture pixels into continuous texel coordinates of a canvas."""
        return (x + self.margin_x) * self.density, (y + self.margin_y) * self.density

    def disparity(self, z: float) -> float:
        """Give how far a point moves per pixel of lane movement when the camera slides."""
        return self.lane / z

    def ground_row(self, z: float) -> float:
        """Give the picture row of the ground at a distance in metres."""
        return self.horizon + self.focal * self.eye / z
