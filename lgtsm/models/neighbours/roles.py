"""The networks that help a job."""

from __future__ import annotations

from dataclasses import dataclass

from .frames import Aligner
from .guided import Guided


@dataclass(frozen=True)
class Neighbours:
    """aligner: finds motion; carrier: paints frames from key frames; None where there is none."""

    aligner: Aligner | None = None
    carrier: Guided | None = None
