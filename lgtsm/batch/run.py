"""A batch from its list to its report."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..engine.hooks import Hooks
from ..errors import OptionError, VideoError
from .checks import Needs, check_media
from .description import BatchJob
from .executor import Event, Executor, Progress
from .job_list import read_jobs
from .manifest import is_untouched, load_manifest, state_folder
from .options import BatchOptions
from .parts import Span
from .pool import WorkerPool
from .ray_cluster import RayCluster
from .storage import answers
from .tasks import Kind, State, Task, TaskResult
from .tracked import TRACKING
from .worker_start import worker_context

_LOG = logging.getLogger(__name__)
_WAIT_SECONDS = 0.5
_PREPARING = ("looking for cuts", TRACKING, "writing")
"""Notes of work on frames that are not done yet, or were counted already."""
REPORT = "report.jsonl"
"""In the folder of results, one line for each film."""


@dataclass(frozen=True)
class Entry:
    """What became of one film.

    output: its name in the folder of results.
    state: done, skipped or failed.
    error: of a failed one, one sentence.
    report: the figures of its job, of an earlier run where it is skipped; see `Report`.
    """

    output: str
    source: str
    state: str
    error: str = ""
    report: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BatchResult:
    """What became of all films, in the order of the list."""

    entries: tuple[Entry, ...]


def executor_of(options: BatchOptions) -> Executor:
    """Return what runs the tasks of a batch.

    Raises:
        OptionError: a cluster that is not there, or of another version; DeviceError: Ray is missing.
    """
    if options.on is None:
        return WorkerPool(options.workers, retries=options.retries)
    return RayCluster(options.on, retries=options.retries)


def run_batch(
    jobs: str | Path | Sequence[BatchJob],
    folder: str | Path,
    *,
    defaults: Mapping[str, object] | None = None,
    options: BatchOptions | None = None,
    make: Callable[[BatchOptions], Executor] = executor_of,
    progress: Callable[[int, int, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> BatchResult:
    """Do many films; those that are done already and have not changed are skipped.

    Call it under `if __name__ == "__main__":` in a script, because worker processes import that again.

    Args:
        jobs: a table (.csv), a list (.jsonl), one job (.json), a folder of pairs `film.mp4` and `film_mask.*`,
            or jobs.
        folder: of the results; created where needed. Manifests lie in it, and `report.jsonl`.
        defaults: values of the columns that a row of the list leaves out.
        options: of the batch.
        make: makes what runs the tasks; processes of this machine, or a cluster, as the options say.
        progress: called as progress(done, total, note) in frames of all films.
        cancel: asked between steps; True stops, and what was computed is kept for the next run.

    Returns:
        What became of every film; one that fails stops no other.

    Raises:
        JobListError: every mistake of the list and its files, before anything runs.
        OptionError: a list that cannot be read; VideoError: a folder that cannot be written, or in which
            another batch is at work; Cancelled.
    """
    options, folder, hooks = options or BatchOptions(), Path(folder), Hooks(progress, cancel)
    if options.on is None and make is executor_of:
        worker_context()  # gets ready while the list is checked
    found = read_jobs(Path(jobs) if isinstance(jobs, str) else jobs, str(folder), defaults)
    if options.deliver and not answers(options.deliver):
        raise VideoError(
            f"Expected to deliver results to {options.deliver}, got no answer from there; check the address."
        )
    with _Held(folder):
        manifests = [load_manifest(folder, job) for job in found]
        skipped = [
            _entry(job, TaskResult(state=State.SKIPPED, report=manifest.report))
            for job, manifest in zip(found, manifests, strict=True)
            if manifest is not None and is_untouched(job, folder, manifest, options.deliver)
        ]
        names = {entry.output for entry in skipped}
        todo = [job for job in found if job.output not in names]
        needs = check_media(todo, folder, hooks, overwrite=options.overwrite)
        with _Report(folder / REPORT, skipped) as report:
            if todo:
                runs = make(options)
                tasks = _tasks(todo, needs, folder, options, runs)
                _Run(runs, tasks, needs, report, hooks).to_end()
            by_name = {entry.output: entry for entry in report.entries}
    return BatchResult(tuple(by_name[job.output] for job in found))


def _tasks(
    jobs: Sequence[BatchJob],
    needs: Sequence[Needs],
    folder: Path,
    options: BatchOptions,
    executor: Executor,
) -> list[Task]:
    """Return the first task of every film."""
    tasks: list[Task] = []
    for job, need in zip(jobs, needs, strict=True):
        if not job.options.run.threads:
            run = replace(job.options.run, threads=executor.threads)
            job = replace(job, options=replace(job.options, run=run))
        tasks.append(
            Task(
                job=job,
                folder=str(folder.absolute()),
                split=options.split if executor.splits else 0,
                memory=need.memory,
                deliver=options.deliver,
                patience=options.patience,
            )
        )
    return tasks


def _entry(job: BatchJob, result: TaskResult) -> Entry:
    return Entry(job.output, job.source, result.state.value, result.error, result.report)


class _Held:
    """A folder of results that one batch at a time works in."""

    def __init__(self, folder: Path) -> None:
        state = state_folder(folder)
        try:
            state.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OptionError(
                f"Expected a folder for results, got {folder} ({error.strerror}); choose another."
            ) from error
        self._lock = FileLock(state / "lock", timeout=0)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise VideoError(
                f"Expected {folder} to be filled by one batch at a time, got a second one; wait until the "
                "first ends."
            ) from error
        except (OSError, NotImplementedError) as error:
            _LOG.warning("%s knows no locks; start one batch at a time in it: %s", folder, error)

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class _Report:
    """The file of the report, which grows by a line with every film."""

    def __init__(self, path: Path, entries: Sequence[Entry]) -> None:
        try:
            self._file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise VideoError(
                f"Expected to write {path}, got: {error.strerror}; check the folder of results."
            ) from error
        self.entries: list[Entry] = []
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Write the line of a film."""
        self.entries.append(entry)
        self._file.write(json.dumps(asdict(entry)) + "\n")
        self._file.flush()

    def __enter__(self) -> _Report:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


class _Run:
    """The tasks of a batch while they run."""

    def __init__(
        self,
        executor: Executor,
        tasks: Sequence[Task],
        needs: Sequence[Needs],
        report: _Report,
        hooks: Hooks,
    ) -> None:
        self._executor, self._tasks, self._report, self._hooks = executor, tasks, report, hooks
        self._total = sum(need.num_frames for need in needs)
        self._frames = {t.name: n.num_frames for t, n in zip(tasks, needs, strict=True)}
        self._done: Counter[str] = Counter()
        """Frames done, by film."""
        self._running: dict[str, int] = {}
        """Frames done, by task."""
        self._parts: dict[str, set[str]] = {}
        """Parts that are still to come, by film."""
        self._spans: dict[str, tuple[Span, ...]] = {}
        """All parts, by film."""
        self._open = {task.name for task in tasks}

    def to_end(self) -> None:
        """Run everything; raises Cancelled where the caller asks to stop."""
        try:
            for task in self._tasks:
                self._executor.submit(task)
            while self._open:
                self._hooks.check()
                for event in self._executor.wait(_WAIT_SECONDS):
                    self._hear(event)
                self._show()
        finally:
            self._executor.close()

    def _hear(self, event: Event) -> None:
        task, news = event
        if isinstance(news, Progress):
            self._running[task.name] = 0 if news.note in _PREPARING else news.done
            return
        film = task.job.output
        done = self._running.pop(task.name, 0)
        if film not in self._open:  # another part of it failed before
            return
        if news.state is State.SPLIT:
            self._split(task, news)
        elif task.kind is Kind.PART and news.state is not State.FAILED:
            self._done[film] += done
            self._parts[film].discard(task.name)
            if not self._parts[film]:
                spans = self._spans[film]
                self._executor.submit(replace(task, kind=Kind.JOIN, spans=spans))
        else:
            self._open.discard(film)
            self._done[film] = self._frames[film]
            self._report.add(_entry(task.job, news))

    def _split(self, task: Task, result: TaskResult) -> None:
        """Submit the parts of a film."""
        parts = [
            replace(task, kind=Kind.PART, spans=(span,), key=result.key) for span in result.spans
        ]
        self._spans[task.job.output] = result.spans
        self._parts[task.job.output] = {part.name for part in parts}
        for part in parts:
            self._executor.submit(part)

    def _show(self) -> None:
        done = sum(self._done.values()) + sum(self._running.values())
        finished = len(self._report.entries)
        running = ", ".join(sorted(self._running)[:3])
        more = f" and {len(self._running) - 3} more" if len(self._running) > 3 else ""
        note = f"{finished} films" + (f", at {running}{more}" if running else "")
        self._hooks.report(min(done, self._total), self._total, note)
