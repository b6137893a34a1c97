"""What became of a timeline."""

from __future__ import annotations

from dataclasses import dataclass

from ..batch.run import BatchResult


@dataclass(frozen=True)
class TimelineResult:
    """What became of the marked clips of a timeline.

    batch: what became of their films; clips that show the same frames share one.
    num_clean: clips that were laid above.
    left: marked clips that were left alone, one sentence each.
    notes: what the format did not keep, and what to look at, one sentence each.
    is_written: the timeline was written; not where no clip is clean.
    """

    batch: BatchResult
    num_clean: int
    left: tuple[str, ...]
    notes: tuple[str, ...]
    is_written: bool
