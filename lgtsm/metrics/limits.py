"""What a result must keep to pass a check; no torch."""

from __future__ import annotations

from dataclasses import dataclass

from ..knobs import Options, knob


@dataclass(frozen=True, kw_only=True)
class CheckLimits(Options):
    """What a result must keep to pass a check; None leaves a figure without a limit."""

    tolerance: float = knob(
        0.0,
        "Largest change allowed outside the mask, in levels of 255; 0 is bit for bit.",
        limits=(0.0, 255.0),
        step=0.5,
    )
    margin: int = knob(
        0,
        "Pixels beside the mask that may change too; 1 where chroma is stored at half size.",
        limits=(0, 256),
    )
    max_seam: float | None = knob(
        None,
        "Largest contrast across the border of the mask relative to that beside it; 1 is no seam.",
        limits=(0.0, 100.0),
        step=0.1,
    )
    max_flicker: float | None = knob(
        None,
        "Largest change in time inside the mask relative to that around it; 1 is as steady as the "
        "surroundings.",
        limits=(0.0, 100.0),
        step=0.1,
    )
    max_residual: float | None = knob(
        None,
        "Largest share of the removed object's contrast that may be left.",
        limits=(0.0, 100.0),
        step=0.01,
    )
