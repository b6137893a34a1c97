"""Options of tracking; no torch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .errors import OptionError
from .knobs import Options, knob


class TrackerKind(Enum):
    """What carries a mask from frame to frame."""

    BUILT_IN = "built-in"
    SAM2 = "sam2"
    EDGETAM = "edgetam"
    SAM3 = "sam3"


@dataclass(frozen=True, kw_only=True)
class TrackOptions(Options):
    """What tracks."""

    tracker: TrackerKind = knob(
        TrackerKind.BUILT_IN,
        "What tracks a painted object: the built-in tracker, or a network whose weights you have.",
    )
    tracker_model: str | None = knob(
        None,
        "Folder or hub id of the network's weights, as the package transformers stores them.",
    )

    def __post_init__(self) -> None:
        """Check that a network and its weights are given together; raises OptionError."""
        super().__post_init__()
        if (self.tracker is TrackerKind.BUILT_IN) != (self.tracker_model is None):
            raise OptionError(
                "Expected a tracker such as sam2 and its tracker_model together, got tracker "
                f"{self.tracker.value} and the model {self.tracker_model}; give both or neither."
            )
