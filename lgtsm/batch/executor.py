"""What runs the tasks of a batch, as the batch sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from .tasks import Task, TaskResult


class Progress(NamedTuple):
    """How far a running task is: work done and all of it in frames (0 is unknown), what was just done."""

    done: int
    total: int
    note: str


class Event(NamedTuple):
    """News of one task: its progress, or what came of it."""

    task: Task
    news: Progress | TaskResult


def throttled(send: Callable[[Progress], None], seconds: float) -> Callable[[int, int, str], None]:
    """Return the progress function of a task, which sends what it is told now and then.

    Args:
        send: takes the progress.
        seconds: least time between two calls of it.
    """
    last = 0.0

    def report(done: int, total: int, note: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= seconds:
            last = now
            send(Progress(done, total, note))

    return report


class Executor(Protocol):
    """Runs tasks in any order; each is tried again where its process is lost.

    threads: of a film that names none; 0 leaves it to the film.
    splits: long films are worth splitting.
    """

    threads: int
    splits: bool

    def submit(self, task: Task) -> None:
        """Take a task; it runs as soon as there is room."""
        ...

    def wait(self, seconds: float) -> Sequence[Event]:
        """Return the news of all tasks, waiting up to some seconds for the first.

        Raises:
            LgtsmError: nothing can run any more.
        """
        ...

    def close(self) -> None:
        """Stop what still runs; what it computed is kept. Nothing of the executor remains."""
        ...
