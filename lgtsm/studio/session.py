"""What one page works on: a film, its painted frames, its mask and its result, all kept on disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..batch.description import BatchJob
from ..completion.kinds import parse_additions
from ..errors import LgtsmError, OptionError, VideoError
from ..file_tracking import FileClip
from ..prompt_names import framed
from ..track_options import TrackOptions
from ..tracking.prompts import Prompt
from .key_painting import PaintedKeys
from .made import PREVIEW, TRACKED, WHOLE, Added, Found, Result
from .painted import PaintedFrames, marked
from .pictures import Pictures
from .places import work_folder
from .project import Project
from .worker import Task, Worker


@dataclass
class Session:
    """One film that is open, for every page that shows it.

    identity: hard to guess; the page names it in every request.
    project: what is to be done.
    clip: the frames.
    task: the last work that a page asked for; num_tasks: how many there were.
    found: the mask of the whole film, once there is one.
    added: what was added to it, which may be out of date.
    results: what was filled, by kind.
    changes: counted, so that a page asks again only for what changed.
    """

    identity: str
    project: Project
    clip: FileClip
    painted: PaintedFrames
    keys: PaintedKeys
    task: Task | None = None
    num_tasks: int = 0
    found: Found | None = None
    added: Added | None = None
    results: dict[str, Result] = field(default_factory=dict)
    changes: int = 0
    _lock: FileLock | None = None
    _mutex: threading.RLock = field(default_factory=threading.RLock)
    _pictures: dict[str, tuple[object, Pictures[Any]]] = field(default_factory=dict)

    @classmethod
    def open(cls, identity: str, project: Project, painted: list[str]) -> Session:
        """Open a film.

        Args:
            identity: of the session.
            project: new, or as it was saved.
            painted: FILE@FRAME of its painted frames.

        Raises:
            VideoError: the film cannot be read, or its folder cannot be written.
        """
        clip, folder = FileClip(project.source), work_folder(project.file)
        try:
            folder.mkdir(exist_ok=True)
            lock = FileLock(folder / "lock", timeout=0, thread_local=False)
            lock.acquire()
        except Timeout as error:
            raise VideoError(
                f"Expected {project.source.name} to be open in one studio, got a second one; close the "
                "other."
            ) from error
        except (OSError, NotImplementedError) as error:
            raise VideoError(
                f"Expected to write beside the film, got {folder} ({error}); start lgtsm studio with "
                "--folder FOLDER."
            ) from error
        frames = PaintedFrames(folder, clip.size, clip.count)
        keys = PaintedKeys(folder, clip.size)
        session = cls(identity, project, clip, frames, keys, _lock=lock)
        for one in painted:
            session._take(one)
        session.found, session.added = Found.saved(folder), Added.saved(folder)
        results = (Result.saved(folder, kind) for kind in (PREVIEW, WHOLE))
        session.results = {result.kind: result for result in results if result is not None}
        session.save()
        return session

    def _take(self, one: str) -> None:
        """Take a painted frame of a project that lies elsewhere into the folder of this one."""
        name, number = framed(one)
        if Path(name) != self.painted.path(number):
            self.painted.save(number, Path(name).read_bytes())

    @property
    def folder(self) -> Path:
        """Return the folder of what is kept between visits."""
        return self.painted.folder

    def save(self) -> None:
        """Write the project file, and let pages know that something changed."""
        with self._mutex:
            self.changes += 1
            self.project.save(self.painted.names())

    def keep(self, result: Result) -> None:
        """Keep a result, in place of the one of its kind; raises VideoError as `save`."""
        result.save(self.folder)
        self.results[result.kind] = result
        self.save()

    def job(self) -> BatchJob:
        """Return the job as it stands; raises OptionError where it cannot be done."""
        return self.project.job(self.painted.names())

    def choose(
        self,
        given: Mapping[str, object],
        results: list[str] | None = None,
        complete: str | None = None,
    ) -> None:
        """Take other options.

        Args:
            given: values by name.
            results: further results that are wanted; None leaves them as they are.
            complete: what is added to the mask, empty for nothing; None leaves it as it is.

        Raises:
            OptionError: they cannot be used.
        """
        with self._mutex:
            start = given.get("start")
            if isinstance(start, int) and start >= self.clip.count:
                raise OptionError(
                    f"Expected a range that begins before frame {self.clip.count}, got {start}; choose "
                    "an earlier frame."
                )
            if complete:
                parse_additions(complete)
            self.project.choose(given)
            if results is not None:
                self.project.results = tuple(results)
            if complete is not None:
                self.project.complete = complete
            self.save()

    def paint(self, number: int, data: bytes) -> None:
        """Keep a painted frame; the mask that was loaded or found before gives way to tracking.

        Raises:
            OptionError, VideoError: as `PaintedFrames.save`.
        """
        with self._mutex:
            self.painted.save(number, data)
            self._track_again()

    def _track_again(self) -> None:
        """Let painted frames be tracked, in place of a mask that was loaded or found."""
        self.project.mask = None
        if self.found is not None and self.found.kind != TRACKED:
            self.found = None
        self.save()

    def unpaint(self, number: int) -> None:
        """Forget a painted frame."""
        with self._mutex:
            self.painted.check(number)
            self.painted.remove(number)
            self.save()

    def mark(self, prompt: Prompt) -> None:
        """Paint what a box or points mean, for the brush to correct.

        Raises:
            OptionError: as `marked`.
        """
        self.painted.check(prompt.frame)
        mask = marked(self.clip, prompt, TrackOptions.of(self.project.options or {}))
        with self._mutex:
            self.painted.write(prompt.frame, mask)
            self._track_again()

    def paint_key(self, number: int, data: bytes) -> None:
        """Keep a painted key frame, and let it be carried through its shot.

        Raises:
            OptionError, VideoError: as `PaintedKeys.paint`.
        """
        with self._mutex:
            self.keys.paint(number, data)
            self.project.plates = self.keys.painted
            self.save()

    def start(self, task: Task, worker: Worker) -> None:
        """Let the worker do a task.

        Raises:
            OptionError: another task of this film is not over.
        """
        with self._mutex:
            if self.task is not None and not self.task.is_over:
                raise OptionError(
                    f"Expected one task at a time for {self.project.source.name}, got a second one; "
                    "wait until the first is over, or cancel it."
                )
            self.task = task
            self.num_tasks += 1
            worker.add(task)

    def known(self, kind: str, state: object, make: Callable[[], Pictures[Any]]) -> Pictures[Any]:
        """Return the pictures of a kind, made anew where what they show has changed."""
        with self._mutex:
            if kind not in self._pictures or self._pictures[kind][0] != state:
                self._pictures[kind] = (state, make())
            return self._pictures[kind][1]

    def close(self) -> None:
        """Stop what runs, and let other studios open the film."""
        if self.task is not None:
            self.task.cancel()
        if self._lock is not None:
            self._lock.release()

    def problem(self) -> str:
        """Return why nothing can be removed yet, in a sentence; empty where it can."""
        try:
            self.job()
        except LgtsmError as error:
            return str(error)
        return ""
