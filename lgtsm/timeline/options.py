"""Options of a timeline as a whole; those of its clips are in `lgtsm.options`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ..knobs import Options, knob


@dataclass(frozen=True, kw_only=True)
class TimelineOptions(Options):
    """How the clips of a timeline are cleaned and laid above."""

    handles: int = knob(
        12,
        "Extra frames before and after what a clip shows, for later trims.",
        limits=(0, 100_000),
    )
    layer_only: bool = knob(
        False,
        "Lay the fill alone above each clip (ProRes 4444 with alpha) instead of the whole clean clip.",
    )
    clips: str | None = knob(
        None, "Folder of the clean films; without it, CLEAN_clips beside the timeline CLEAN.otio."
    )
    edl_rate: Fraction = knob(
        Fraction(24),
        "Frames per second of an EDL, which does not state them, such as 25 or 24000/1001.",
        limits=(Fraction(1), 1000),
    )
