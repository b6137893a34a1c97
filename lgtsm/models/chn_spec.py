"""CHN as data; no torch. See `neighbours.chn`."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import WeightsError
from .trunk_spec import MAX_COUNT, ShiftKind, ShiftSpec


@dataclass(frozen=True, kw_only=True)
class ChnSpec:
    """The Copy-and-Hallucinate Network, Alvarez 2020.

    It reads whole frames, a target and one aligned reference at a time, and keeps nothing between
    frames: the engine asks it for one frame after the other (`engine.painting`).
    """

    num_blocks: int = 20
    """Residual blocks."""

    in_windows = False
    inputs = 9
    """Target and reference (3 each), what is known of both, and what the reference adds."""
    outputs = 3
    multiple = 4
    """Height and width must be multiples of this."""
    skips = False
    shift = ShiftSpec(kind=ShiftKind.NONE)
    context = (0, 0)
    """References are frames of the shot, not of the network's input; see `NetworkSpec.reach`."""

    def __post_init__(self) -> None:
        """Check the number of blocks.

        Raises:
            WeightsError: none, or too many.
        """
        if not 1 <= self.num_blocks <= MAX_COUNT:
            raise WeightsError(
                f"Expected 1 to {MAX_COUNT} blocks, got {self.num_blocks}; correct the spec."
            )
