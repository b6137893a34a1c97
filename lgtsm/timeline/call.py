"""The call that cleans a timeline; OpenTimelineIO is an extra (`otio`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from ..batch.options import BatchOptions
from ..errors import DeviceError
from .options import TimelineOptions
from .result import TimelineResult


def clean_timeline(
    edit: str | Path,
    target: str | Path,
    *,
    defaults: Mapping[str, object] | None = None,
    options: TimelineOptions | None = None,
    batch: BatchOptions | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> TimelineResult:
    """Clean the clips of a timeline that carry a marker named lgtsm, and lay them on a track above.

    Films that are done already and have not changed are not done again. Call it under
    `if __name__ == "__main__":` in a script, because worker processes import that again.

    Args:
        edit: timeline (.otio, or .edl, .xml and .fcpxml where their adapters are installed); never changed.
        target: timeline to write (.otio).
        defaults: values of the columns of a job list that a marker leaves out.
        options: of the timeline.
        batch: how the films are done.
        progress: called as progress(done, total, note) in frames of all films.
        cancel: asked between steps; True stops, and what was computed is kept for the next run.

    Returns:
        What became of the clips; the timeline holds those that are clean.

    Raises:
        JobListError: every mistake in markers and their files, before anything runs.
        OptionError: no marked clip that can be cleaned, or a target that must not be written; VideoError: a timeline
            that cannot be read or written; DeviceError: OpenTimelineIO is missing; Cancelled.
    """
    if find_spec("opentimelineio") is None:
        raise DeviceError(
            "Expected the package opentimelineio, found none; install it with pip install opentimelineio."
        )
    from .clean import clean_file

    return clean_file(
        Path(edit),
        Path(target),
        defaults or {},
        options or TimelineOptions(),
        batch or BatchOptions(),
        progress=progress,
        cancel=cancel,
    )
