"""Options of the networks that help to fill: aligners, and carriers of key frames; no torch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from .errors import OptionError, shown
from .knobs import Options, knob

LEARNED = ("dfpn", "cpn")
"""Motions that a network finds."""


class Carry(Enum):
    """How the content of key frames reaches the other frames of a shot."""

    MOTION = "motion"
    """Its pixels are copied along the motion."""
    GUIDED = "guided"
    """A network paints every frame, guided by the key frames."""


@dataclass(frozen=True, kw_only=True)
class NeighbourOptions(Options):
    """Networks beside the one that fills."""

    aligner_model: str | Path | None = knob(
        None,
        "Network that aligns frames, for motion dfpn or cpn; with motion auto its copies compete with those "
        "of a fixed and of a panning camera.",
    )
    carry: Carry = knob(
        Carry.MOTION,
        "How the content of key frames reaches the other frames: copied along the motion, or painted by the "
        "network given as carrier_model.",
    )
    carrier_model: str | Path | None = knob(
        None, "Network that paints the other frames, for carry guided."
    )

    def __post_init__(self) -> None:
        """Check the options; raises OptionError for a carrier without a file, or a file without use."""
        super().__post_init__()
        for name in ("aligner_model", "carrier_model"):
            given = getattr(self, name)
            if not isinstance(given, str | Path | None):
                raise OptionError(f"Expected {name} as a file, got {shown(given)}; name one.")
        if (self.carry is Carry.GUIDED) != (self.carrier_model is not None):
            given = "none" if self.carrier_model is None else shown(self.carrier_model)
            raise OptionError(
                "Expected carry guided and its carrier_model together, got carry "
                f"{self.carry.value} and the model {given}; give both or neither."
            )

    def check_motion(self, motion: str) -> None:
        """Raise OptionError where a motion lacks its network, or a network its motion."""
        if motion in LEARNED and self.aligner_model is None:
            raise OptionError(
                f"Expected an aligner_model for motion {motion}, got none; give a weight file that "
                "`lgtsm convert` made, or choose another motion."
            )
        if self.aligner_model is not None and motion not in (*LEARNED, "auto"):
            raise OptionError(
                f"Expected motion {', '.join(LEARNED)} or auto with an aligner_model, got {motion}; "
                "leave one of them out."
            )
