"""How a mask becomes the hole that is filled; no torch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .knobs import Options, knob

GROW_PX = 4
"""Default of `grow` in the command line, the nodes and the demo: masks from segmenters are tight and
leave a halo. The library itself grows nothing."""
TRACKED_GROW_PERCENT = 2.5
"""`grow_percent` of `default_grow_percent` for a tracked mask. Of what true masks grown by 4 pixels
cover in pictures of 240 lines, masks tracked from one painted frame missed 20 % when grown by 4 pixels and 13 % by
10, on the mean of 13 clips; `grow` comes on top."""


def default_grow_percent(*, is_tracked: bool) -> float:
    """Return `grow_percent` where the user chose none, in commands, job lists and the studio.

    Args:
        is_tracked: the mask is tracked from painted frames first.
    """
    return TRACKED_GROW_PERCENT if is_tracked else 0.0


class LengthPolicy(Enum):
    """What to do when a mask clip is shorter than the video."""

    ERROR = "error"
    """Stop with an error that names both lengths."""
    HOLD = "hold"
    """Repeat the last mask."""
    LOOP = "loop"
    """Start the mask clip again."""


@dataclass(frozen=True, kw_only=True)
class MaskOptions(Options):
    """How a mask becomes the hole that is filled (mask 1 = hole)."""

    threshold: float = knob(0.5, "Fill where the mask is above this.", limits=(0.0, 1.0), step=0.01)
    invert: bool = knob(False, "Fill where the mask is black instead of white.")
    grow: int = knob(
        0,
        "Enlarge the mask by this many pixels on every side, to cover soft edges and motion blur.",
        limits=(0, 256),
    )
    grow_percent: float = knob(
        0.0,
        "Enlarge the mask further, by this many percent of the picture's height: a tracked mask, which misses the "
        f"blurred edge of what moves fast, needs about {TRACKED_GROW_PERCENT}.",
        limits=(0.0, 10.0),
        step=0.5,
        advanced=True,
    )
    fill_enclosed: bool = knob(False, "Also fill regions that the mask encloses completely.")
    temporal_grow: int = knob(
        0, "Let the mask start this many frames earlier and end as many later.", limits=(0, 32)
    )
    temporal_gap: int = knob(
        0,
        "Close gaps of up to this many frames in which a masked pixel is briefly unmasked.",
        limits=(0, 32),
    )
    length: LengthPolicy = knob(
        LengthPolicy.ERROR,
        "What to do when a mask clip is shorter than the video: error stops, hold repeats its last "
        "frame, loop starts it again; a single mask always serves every frame.",
    )
    fit_mask: bool = knob(
        False,
        "Stretch a mask of another shape to the frames; one of the same shape is always stretched.",
    )

    def grow_px(self, height: int) -> int:
        """Return by how many pixels a mask of pictures of this height is enlarged."""
        return self.grow + round(height * self.grow_percent / 100)
