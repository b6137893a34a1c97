"""Camera paths: the pose of the camera at every frame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

import numpy as np

from ..errors import OptionError
from .noise import Array


class Camera(Enum):
    """How the camera moves."""

    LOCKED = "locked"
    PLANAR = "planar"
    PARALLAX = "parallax"


@dataclass(frozen=True, kw_only=True)
class SceneOptions:
    """What to render."""

    seed: int = 7
    """Determines scenery, light, vehicle and direction (0 or more)."""
    camera: Camera = Camera.LOCKED
    """How the camera moves."""
    num_frames: int = 72
    """Length in frames (1 to 1000)."""
    height: int = 270
    """Rows (16 to 2160)."""
    width: int = 480
    """Columns (16 to 3840)."""
    rate: Fraction = Fraction(24)
    """Frames per second, for players."""

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: a number is outside its range.
        """
        for name, low, high in (
            ("seed", 0, 2**32 - 1),
            ("num_frames", 1, 1000),
            ("height", 16, 2160),
            ("width", 16, 3840),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise OptionError(
                    f"Expected {name} of the scene between {low} and {high}, got {value}; choose "
                    "a value in that range."
                )


@dataclass(frozen=True)
class CameraPath:
    """Pose of the camera, one entry per frame.

    slide: metres sideways (parallax only); pan: (T,2) pixels x and y of the whole picture; zoom: 1
    at rest; turn: roll in radians.
    """

    slide: Array
    pan: Array
    zoom: Array
    turn: Array

    def matrices(self, height: int, width: int) -> Array:
        """Return (T,3,3): output pixels (x, y, 1) to picture pixels at rest, float64."""
        result = np.zeros((len(self.zoom), 3, 3))
        cx, cy = width / 2, height / 2
        for t, (zoom, turn) in enumerate(zip(self.zoom, self.turn, strict=True)):
            cos, sin = np.cos(turn) / zoom, np.sin(turn) / zoom
            result[t] = [
                [cos, -sin, cx - cos * cx + sin * cy + self.pan[t, 0]],
                [sin, cos, cy - sin * cx - cos * cy + self.pan[t, 1]],
                [0, 0, 1],
            ]
        return result


def plan_camera(options: SceneOptions, direction: float) -> CameraPath:
    """Plan a smooth path.

    Args:
        options: camera, frames and size.
        direction: +1 or -1: to the right or left.

    Returns:
        The path; speeds are those of a 72-frame clip of 480x270, 1 to 2.5 pixels a frame.
    """
    count, scale = options.num_frames, options.height / 270
    time = np.linspace(-1, 1, count) if count > 1 else np.zeros(1)
    share = min(1.0, count / 72)
    # eased at both ends, like a hand-held pan
    eased = share * (1.5 * time - 0.5 * time**3)
    wave = share * np.sin(2.3 * time + 0.6)
    still = np.zeros(count)
    if options.camera is Camera.LOCKED:
        return CameraPath(still, np.zeros((count, 2)), still + 1, still)
    if options.camera is Camera.PLANAR:
        pan = np.stack([46 * scale * direction * eased, 5 * scale * wave], 1)
        return CameraPath(still, pan, 1.04 + 0.03 * eased, 0.012 * wave)
    pan = np.stack([6 * scale * direction * eased, 3 * scale * wave], 1)
    return CameraPath(0.85 * direction * eased, pan, still + 1.0, still)
