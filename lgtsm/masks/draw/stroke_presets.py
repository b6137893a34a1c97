"""Presets of the published free-form strokes as data; no torch.

All numbers are those of the authors' mask generator (see `free_form`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from ...errors import OptionError, shown


class Preset(Enum):
    """Names of the published presets."""

    OBJECT_LIKE = "object_like"
    """Broad strokes that look like objects, 20 to 49 pixels wide."""
    OBJECT_LIKE_MIDDLE = "object_like_middle"
    """Broad, shorter and slower strokes."""
    OBJECT_LIKE_SMALL = "object_like_small"
    """Strokes 10 to 29 pixels wide, slow."""
    RAND_CURVE = "rand_curve"
    """Thin long curves, 3 to 9 pixels wide; the published default."""
    RAND_CURVE_SMALL = "rand_curve_small"
    """Very thin and short curves, 2 to 4 pixels wide."""


@dataclass(frozen=True, kw_only=True)
class StrokePreset:
    """Parameters of strokes; lengths in pixels, speeds in pixels per frame, angles in radians."""

    num_vertices: tuple[int, int]
    """Range of the segments of a stroke, upper end excluded."""
    max_head_speed: float
    """Largest length of a segment."""
    max_head_acceleration: tuple[float, float]
    """Largest change of length and of direction from one segment to the next."""
    brush: tuple[float, float]
    """Range of the width, truncated to whole pixels, upper end excluded."""
    move_ratio: float = 0.5
    """Fraction of the points that jitter from frame to frame (0 to 1)."""
    max_point_move: float
    """Jitter m of a point, truncated to whole pixels and drawn from -m to m - 1."""
    max_line_acceleration: tuple[float, float]
    """Drawn and dropped, as published: a stroke keeps its velocity."""
    max_initial_speed: float
    """Twice the standard deviation of the stroke's speed."""

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: a range is empty or too small.
        """
        if not 0 <= self.num_vertices[0] < self.num_vertices[1]:
            raise OptionError(
                f"Expected num_vertices (low, high) with 0 <= low < high, got {self.num_vertices};"
                " raise the upper end."
            )
        if not 2 <= int(self.brush[0]) < int(self.brush[1]):
            raise OptionError(
                f"Expected brush (low, high) with 2 <= low < high, got {self.brush}; "
                "raise the upper end."
            )
        if int(self.max_point_move) < 1 or not 0 <= self.move_ratio <= 1:
            raise OptionError(
                "Expected max_point_move of 1 or more and move_ratio in 0 to 1, got "
                f"{self.max_point_move} and {self.move_ratio}; choose values in these ranges."
            )


def _preset(
    num_vertices: tuple[int, int],
    head: tuple[float, float, float],
    brush: tuple[float, float],
    max_point_move: float,
    line: tuple[float, float, float],
) -> StrokePreset:
    """Return a preset; `head` and `line` hold a speed, then the acceleration's two limits."""
    return StrokePreset(
        num_vertices=num_vertices,
        max_head_speed=head[0],
        max_head_acceleration=head[1:],
        brush=brush,
        max_point_move=max_point_move,
        max_initial_speed=line[0],
        max_line_acceleration=line[1:],
    )


PRESETS: Mapping[str, StrokePreset] = MappingProxyType(
    {
        "object_like": _preset((5, 30), (15, 10, 1.5), (20, 50), 10, (10, 5, 0.5)),
        "object_like_middle": _preset((5, 15), (8, 4, 1.5), (20, 50), 5, (10, 5, 0.5)),
        "object_like_small": _preset((5, 20), (7, 3.5, 1.5), (10, 30), 5, (4, 3, 0.5)),
        "rand_curve": _preset((10, 30), (20, 15, 0.5), (3, 10), 3, (6, 5, 0.5)),
        "rand_curve_small": _preset((6, 22), (12, 8, 0.5), (2.5, 5), 1.5, (3, 3, 0.5)),
    }
)


def find_preset(preset: Preset | StrokePreset | str) -> StrokePreset:
    """Return the parameters of a preset.

    Args:
        preset: a member of `Preset`, its name, or custom parameters.

    Raises:
        OptionError: the name is unknown.
    """
    if isinstance(preset, StrokePreset):
        return preset
    name = preset.value if isinstance(preset, Preset) else preset
    if name not in PRESETS:
        raise OptionError(
            f"Expected a stroke preset, got {shown(name)}; choose one of {', '.join(PRESETS)}."
        )
    return PRESETS[name]
