"""One thread that does the work of all pages, one task after another."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from ..engine.hooks import Hooks
from ..errors import Cancelled, told

_LOG = logging.getLogger(__name__)


class State(Enum):
    """Where a task stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass
class Task:
    """Work that a page asked for.

    kind: what it is, such as track or remove.
    work: does it; told how it goes, and stopped, by the hooks.
    state: where it stands.
    stage: what is done at present; done, total: in frames.
    error: a sentence where it failed.
    """

    kind: str
    work: Callable[[Hooks], None]
    state: State = State.WAITING
    stage: str = ""
    done: int = 0
    total: int = 0
    error: str = ""
    _began: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def is_over(self) -> bool:
        """Tell whether it has ended, one way or another."""
        return self.state not in (State.WAITING, State.RUNNING)

    def cancel(self) -> None:
        """Ask it to stop; one that waits ends at once, one that runs soon."""
        self._stop.set()
        if self.state is State.WAITING:
            self.state = State.CANCELLED

    def run(self) -> None:
        """Do the work and note how it ended."""
        if self._stop.is_set():
            return
        self.state, self._began = State.RUNNING, time.monotonic()
        try:
            self.work(Hooks(self._report, self._stop.is_set))
            self.state = State.DONE
        except Cancelled:
            self.state = State.CANCELLED
        except Exception as error:  # noqa: BLE001  the page shows a sentence for every error
            is_known, self.error = told(error)
            if not is_known:
                _LOG.exception("a task of the studio failed")
            self.state = State.FAILED

    def _report(self, done: int, total: int, note: str) -> None:
        stage = note.split(",")[0]
        if stage != self.stage and done < self.done:  # a stage that begins anew
            self._began = time.monotonic()
        self.stage, self.done, self.total = stage, done, total

    def values(self, place: int) -> dict[str, object]:
        """Return what the page shows, as JSON values; `place` is how many tasks are before it."""
        return {
            "kind": self.kind,
            "state": self.state.value,
            "stage": self.stage,
            "done": self.done,
            "total": self.total,
            "seconds_left": self._seconds_left(),
            "place": place,
            "error": self.error,
        }

    def _seconds_left(self) -> float | None:
        if self.state is not State.RUNNING or not self.done or self.total <= self.done:
            return None
        passed = time.monotonic() - self._began
        return round(passed * (self.total - self.done) / self.done, 1)


class Worker:
    """Runs tasks in the order in which they came; a daemon, so that Ctrl-C ends the studio."""

    def __init__(self) -> None:
        self._tasks: list[Task] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="lgtsm-studio", daemon=True)
        self._thread.start()

    def add(self, task: Task) -> None:
        """Run a task when those before it are over."""
        with self._changed:
            self._tasks.append(task)
            self._changed.notify()

    def place(self, task: Task) -> int:
        """Return how many tasks are before one."""
        with self._changed:
            ahead = [one for one in self._tasks if not one.is_over]
            return ahead.index(task) if task in ahead else 0

    def stop(self) -> None:
        """Stop all tasks, and wait for the one that runs to leave its files in order."""
        with self._changed:
            for task in self._tasks:
                task.cancel()
            self._tasks.append(_LAST)
            self._changed.notify()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._tasks)
                task = self._tasks[0]
            if task is _LAST:
                return
            task.run()
            with self._changed:
                self._tasks.remove(task)


_LAST = Task("end", lambda _: None)
"""Ends the thread."""
