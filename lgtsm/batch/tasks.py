"""What one process of a batch does: a whole film, a part of one, or the joining of parts."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

from .. import __version__
from ..engine.hooks import Hooks
from ..errors import Cancelled, DeviceError, VideoError, told
from ..job import FileJob
from ..journal import OtherJobError, TargetBusyError, journal_folder
from ..prompt_names import painted_files
from ..video.probe import probe
from ..whole_file import WholeFile
from .columns import is_url
from .completed import complete_mask, completed_job, with_additions
from .description import BatchJob
from .file_job import file_job_of
from .manifest import (
    Manifest,
    describe,
    is_finished,
    load_manifest,
    output_stamps,
    save_manifest,
    state_folder,
    was_completed,
)
from .parts import Span, compute_part, find_shots, group_shots, join_parts
from .storage import answers, deliver, fetch, url_key
from .tracked import make_mask, mask_file, with_notes

_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 2.0


class Kind(Enum):
    """Kinds of tasks."""

    FILM = "film"
    """All of a film; of a long one, only the plan of its parts."""
    PART = "part"
    JOIN = "join"


class State(Enum):
    """How a task ended."""

    DONE = "done"
    SKIPPED = "skipped"
    """The results of an earlier run are as they must be."""
    SPLIT = "split"
    """The film is to be done in parts."""
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Task:
    """One piece of work, in plain values.

    job: the film.
    folder: of the results; it exists.
    split: films of more frames are split at cuts into parts of so many or more; 0 splits none.
    spans: of a part, its span; of a joining, those of all parts.
    key: of a part or joining, the digest of everything the film depends on.
    memory: bytes that it takes at most; 0 is unknown.
    deliver: place that finished outputs are copied to, too.
    patience: seconds to wait for storage that goes away.
    version: of the process that planned the task.
    """

    job: BatchJob
    folder: str
    kind: Kind = Kind.FILM
    split: int = 0
    spans: tuple[Span, ...] = ()
    key: str = ""
    memory: int = 0
    deliver: str | None = None
    patience: float = 600.0
    version: str = __version__

    @property
    def name(self) -> str:
        """Return what identifies the task within its batch."""
        if self.kind is Kind.PART:
            return f"{self.job.output} from frame {self.spans[0][0]}"
        return self.job.output if self.kind is Kind.FILM else f"{self.job.output} joined"


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """What came of a task.

    report: figures of a finished film.
    spans, key: of a film that is split.
    error: of a failed task, one sentence.
    """

    state: State
    report: dict[str, Any] = field(default_factory=dict)
    spans: tuple[Span, ...] = ()
    key: str = ""
    error: str = ""


def perform(task: Task, hooks: Hooks) -> TaskResult:
    """Do a task, waiting for its files where they go away meanwhile.

    Args:
        task: what to do.
        hooks: progress and cancellation.

    Raises:
        Cancelled: the caller asked to stop; what was computed is kept.
    """
    if task.version != __version__:
        return _failed(
            f"Expected lgtsm {task.version} like the batch, got {__version__} here; install one version "
            "everywhere."
        )
    late = time.monotonic() + task.patience
    while True:
        try:
            if not _missing(task):
                return _KINDS[task.kind](task, hooks)
        except Cancelled:
            raise
        except TargetBusyError as error:  # a lost process of an earlier attempt that still ends
            if time.monotonic() > late:
                return _failed(str(error))
            hooks.check()
            time.sleep(_POLL_SECONDS)
            continue
        except Exception as error:  # noqa: BLE001  one job that fails stops no other
            if not _missing(task):
                return _failed(told(error)[1])
        if lost := _still_missing(task, hooks):
            return _failed(
                f"Expected {lost} to come back within {task.patience:g} s, found it gone; mount its "
                "storage and run the batch again."
            )


def _failed(error: str) -> TaskResult:
    return TaskResult(state=State.FAILED, error=error)


def _missing(task: Task) -> str:
    """Return a file of the task that is not there, although it was when the batch began."""
    named = [str(state_folder(Path(task.folder))), task.job.source, task.job.mask]
    named += map(str, painted_files(task.job.track))
    try:
        if task.deliver and not answers(task.deliver):
            return task.deliver
        return next((name for name in named if name is not None and not _is_there(name)), "")
    except DeviceError:  # no package to ask with: told where it is needed, waiting is of no use
        return ""


def _is_there(name: str) -> bool:
    if not is_url(name):
        return Path(name).exists()
    try:
        url_key(name)
    except VideoError:
        return False
    return True


def _local(task: Task) -> FileJob:
    """Return the file job of a task that has begun.

    Its source and mask are fetched where they lie elsewhere; a mask that is tracked may not be there yet,
    and none is completed.
    """
    folder, job = Path(task.folder), task.job
    copies = _copies_folder(folder, job)

    def here(name: str, column: str) -> str:
        return str(fetch(name, copies / column)) if is_url(name) else name

    mask = None if job.mask is None else here(job.mask, "mask")
    if job.track:
        mask = str(mask_file(folder, job))
    local = replace(job, source=here(job.source, "source"), mask=mask)
    return file_job_of(local, folder)


def _copies_folder(folder: Path, job: BatchJob) -> Path:
    return state_folder(folder) / "fetched" / job.output


def _still_missing(task: Task, hooks: Hooks) -> str:
    """Wait until all files are there, or patience ends; return what is missing then."""
    end = time.monotonic() + task.patience
    _LOG.warning("%s is gone; waiting up to %g s for it", _missing(task), task.patience)
    while (lost := _missing(task)) and time.monotonic() < end:
        hooks.check()
        time.sleep(min(_POLL_SECONDS, max(0.0, end - time.monotonic())))
    return lost


def _film(task: Task, hooks: Hooks) -> TaskResult:
    """Do a film, or plan its parts; one that is done already is left alone."""
    job = task.job
    manifest, result, may_resume = _begin(task)
    if result is not None:
        return result
    file_job = _local(task)
    if spans := _parts(task, file_job, manifest.key, hooks):
        return TaskResult(state=State.SPLIT, spans=spans, key=manifest.key)
    file_job = _with_masks(task, file_job, hooks)
    try:
        resumed = replace(file_job, video=replace(job.video, resume=may_resume))
        report = resumed.run(job.model, hooks)
    except OtherJobError:  # of files that are the same, but were touched
        report = file_job.run(job.model, hooks)
    return _end(task, manifest, asdict(report))


def _with_masks(task: Task, given: FileJob, hooks: Hooks) -> FileJob:
    """Track and complete the mask of a film as its job says; return the file job with that mask."""
    folder = Path(task.folder)
    make_mask(task.job, given, folder, hooks)
    return complete_mask(task.job, given, folder, hooks)


def plan(task: Task, hooks: Hooks) -> TaskResult | None:
    """Tell how a film would be done.

    Returns:
        What came of it where it is done already; its parts where it is to be split; None where one
        process does all of it.

    Raises:
        LgtsmError: files that cannot be read; Cancelled.
    """
    manifest, result, _ = _begin(task)
    if result is not None:
        return result
    spans = _parts(task, _local(task), manifest.key, hooks)
    return TaskResult(state=State.SPLIT, spans=spans, key=manifest.key) if spans else None


def _begin(task: Task) -> tuple[Manifest, TaskResult | None, bool]:
    """Note that a film begins.

    Returns:
        Its manifest; what came of it where it is done already; whether an interrupted run of it may be
        continued.
    """
    folder, job = Path(task.folder), task.job
    earlier = load_manifest(folder, job)
    manifest = describe(job, earlier)
    is_same = earlier is not None and earlier.identity == manifest.identity
    if earlier is not None and is_same:
        if is_finished(job, folder, earlier):
            if task.deliver and earlier.delivered != task.deliver:
                return manifest, _end(task, manifest, earlier.report), False
            save_manifest(folder, job, replace(earlier, stamps=manifest.stamps))
            return manifest, TaskResult(state=State.SKIPPED, report=earlier.report), False
        if was_completed(job, folder, earlier):
            return manifest, _end(task, manifest, {}), False
    manifest.before = output_stamps(job, folder)
    for name in job.outputs:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    save_manifest(folder, job, manifest)
    return manifest, None, is_same


def _end(task: Task, manifest: Manifest, report: dict[str, Any]) -> TaskResult:
    """Deliver a complete film, remove what was needed for it, and note that it is complete."""
    folder, job = Path(task.folder), task.job
    report = with_additions(with_notes(report, job, folder), job, folder)
    if task.deliver:
        for name in job.outputs:
            deliver(folder / name, f"{task.deliver.rstrip('/')}/{name}")
        manifest.delivered = task.deliver
    # before the note, after which a film is skipped: a process killed here is followed by another
    journal = journal_folder(folder / job.output)
    for place in (_parts_folder(folder, job), _copies_folder(folder, job), journal):
        shutil.rmtree(place, ignore_errors=True)
    manifest.outputs, manifest.report = output_stamps(job, folder), report
    save_manifest(folder, job, manifest)
    return TaskResult(state=State.DONE, report=report)


def _parts_folder(folder: Path, job: BatchJob) -> Path:
    return state_folder(folder) / "parts" / job.output


def _parts(task: Task, job: FileJob, key: str, hooks: Hooks) -> tuple[Span, ...]:
    """Return the parts of a long film with cuts; none for another."""
    if not task.split or job.num_frames(probe(job.source, rate=job.video.rate)) <= task.split:
        return ()
    job = _with_masks(task, job, hooks)
    folder = _parts_folder(Path(task.folder), task.job)
    folder.mkdir(parents=True, exist_ok=True)
    plan, described = folder / "plan.json", [key, task.split]
    with suppress(OSError, ValueError, TypeError):
        before, spans = json.loads(plan.read_text(encoding="utf-8"))
        if before == described:
            return tuple((start, end) for start, end in spans)
    spans = group_shots(find_shots(job, hooks), job.video.end, task.split)
    found = tuple(spans) if len(spans) > 1 else ()
    with WholeFile(plan) as partial:
        partial.write_text(json.dumps([described, found]), encoding="utf-8")
    return found


def _part(task: Task, hooks: Hooks) -> TaskResult:
    """Compute one part of a film."""
    folder = _parts_folder(Path(task.folder), task.job)
    folder.mkdir(parents=True, exist_ok=True)
    job = completed_job(task.job, _local(task), Path(task.folder))
    compute_part(job, task.job.model, task.spans[0], folder, task.key, hooks)
    return TaskResult(state=State.DONE)


def _join(task: Task, hooks: Hooks) -> TaskResult:
    """Write a film from its parts."""
    manifest, result, _ = _begin(task)
    if result is not None:
        return result
    if manifest.key != task.key:
        return _failed(
            f"Expected the files of {task.job.output} as when its parts were computed, got changed ones; "
            "run the batch again."
        )
    folder = Path(task.folder)
    job = completed_job(task.job, _local(task), folder)
    report = join_parts(job, task.spans, _parts_folder(folder, task.job), task.key, hooks)
    return _end(task, manifest, asdict(report))


_KINDS: dict[Kind, Callable[[Task, Hooks], TaskResult]] = {
    Kind.FILM: _film,
    Kind.PART: _part,
    Kind.JOIN: _join,
}
