"""Checks of a batch's media before anything runs: what would stop a film is told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..engine.estimate import estimate
from ..engine.hooks import Hooks
from ..errors import Cancelled, LgtsmError, OptionError
from ..options import Mode
from ..track_options import TrackOptions
from ..tracking.load_tracker import load_tracker
from ..video.probe import probe
from ..weights.load import find_weights
from .columns import is_url
from .description import BatchJob
from .file_job import file_job_of
from .manifest import load_manifest
from .storage import url_key
from .table import JobListError
from .tracked import check_painted

_SEARCH_SECONDS = 2.0
"""Time to look for the first hole of a mask; what is later is found when the film is done."""
_PROCESS_BYTES = 10**9
"""Libraries, and frames on their way, beside what the fill takes; set by hand."""


class Needs(NamedTuple):
    """What a film will take: frames, and bytes of memory at most."""

    num_frames: int
    memory: int


def check_media(
    jobs: Sequence[BatchJob], folder: Path, hooks: Hooks, *, overwrite: bool
) -> list[Needs]:
    """Open the files of all jobs.

    Args:
        jobs: with local files.
        folder: of the results.
        hooks: progress and cancellation.
        overwrite: results that no batch made may be replaced.

    Returns:
        What each film will take.

    Raises:
        JobListError: everything that would stop a film before its first frame.
    """
    problems: list[str] = []
    needs: list[Needs] = []
    models: set[str | None] = set()
    trackers: set[TrackOptions] = set()
    for number, job in enumerate(jobs):
        hooks.check()
        hooks.report(number, len(jobs), "checking")
        if job.options.mode is not Mode.COPY and job.model not in models:
            models.add(job.model)
            problems += _load_problem(job, find_weights, job.model)
        if job.track and job.tracking not in trackers:
            trackers.add(job.tracking)
            problems += _load_problem(job, load_tracker, job.tracking, "cpu")
        try:
            if not overwrite:
                _check_own(job, folder)
            needs.append(_check_job(job, folder, hooks))
        except LgtsmError as error:
            if isinstance(error, Cancelled):
                raise
            problems.append(f"{job.output}: {error}")
    if problems:
        raise JobListError(problems)
    return needs


def _load_problem(job: BatchJob, load: Callable[..., object], *given: object) -> Iterator[str]:
    """Yield why something that a job needs cannot be loaded; nothing where it can."""
    try:
        load(*given)
    except LgtsmError as error:
        yield f"{job.output}: {error}"


def _check_own(job: BatchJob, folder: Path) -> None:
    """Raise OptionError for a result that exists and was not made by a batch."""
    found = next((name for name in job.outputs if (folder / name).is_file()), None)
    if found is not None and load_manifest(folder, job) is None:
        raise OptionError(
            f"Expected {found} to be new or made by an earlier batch, found another file in {folder}; "
            "move it, or add --overwrite."
        )


def _check_job(job: BatchJob, folder: Path, hooks: Hooks) -> Needs:
    if elsewhere := [name for name in (job.source, job.mask) if name and is_url(name)]:
        for url in elsewhere:  # what is in it is found when the film is done
            url_key(url)
        check_painted(job, None)
        return Needs(0, 0)
    file_job = file_job_of(job, folder)
    file_job.check_names()
    info = probe(file_job.source, rate=job.video.rate)
    num_frames = file_job.num_frames(info)
    if info.num_frames_exact and num_frames == 0:
        raise OptionError(
            f"Expected a range within the {info.num_frames} frames of {job.source}, got one from "
            f"{job.video.start} on; correct it."
        )
    if job.track:
        check_painted(job, info)
    else:
        file_job.check_mask_within(info, _SEARCH_SECONDS, hooks)
    memory = estimate(max(1, num_frames), info.height, info.width, job.options)
    return Needs(num_frames, memory + _PROCESS_BYTES)
