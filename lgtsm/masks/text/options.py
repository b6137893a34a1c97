"""How burned-in text becomes a mask, as options; no torch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ...knobs import Options, knob


class TextShape(Enum):
    """What of a line of text is masked."""

    GLYPHS = "glyphs"
    """The letters with their outline."""
    BOXES = "boxes"
    """The whole line, as for text on a panel."""


@dataclass(frozen=True, kw_only=True)
class TextOptions(Options):
    """How burned-in text becomes a mask."""

    shape: TextShape = knob(
        TextShape.GLYPHS,
        "What is masked: glyphs, the letters with their outline, or boxes, whole lines.",
    )
    detections: float = knob(
        3.0,
        "How often a second text is looked for; between these, frames are compared with each other, so "
        "that lines begin and end on their frames.",
        limits=(0.5, 60.0),
        step=0.5,
    )
