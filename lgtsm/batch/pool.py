"""Worker processes of this machine: one that is killed costs only its task, which is tried again."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from ..engine.hooks import Hooks
from ..errors import Cancelled
from .executor import Event, Progress, throttled
from .tasks import State, Task, TaskResult, perform
from .worker_start import worker_context

_LOG = logging.getLogger(__name__)
_NEWS_SECONDS = 0.2
"""Least time between two reports of progress."""
_STOP_SECONDS = 30.0
"""Time for a worker to end its step before it is killed."""


@dataclass
class _Worker:
    """A process, the connection to it, and what it does."""

    process: Any
    connection: Connection
    task: Task | None = None


class WorkerPool:
    """Processes that perform tasks, started as they are needed; an `Executor`."""

    def __init__(self, number: int, *, retries: int) -> None:
        """Set up the pool.

        Args:
            number: of processes, 1 or more.
            retries: how often a task is tried again after its process was lost.
        """
        self._context = worker_context()
        self._number, self._retries = number, retries
        self.splits = number > 1
        # processes that begin together would all take the same free cores
        self.threads = max(1, (os.cpu_count() or 1) // number) if self.splits else 0
        self._waiting: deque[Task] = deque()
        self._workers: list[_Worker] = []
        self._losses: dict[str, int] = {}

    def submit(self, task: Task) -> None:
        """Take a task; see `Executor`."""
        self._waiting.append(task)

    def wait(self, seconds: float) -> list[Event]:
        """Return news; see `Executor`."""
        self._hand_out()
        busy = {w.connection: (w, w.task) for w in self._workers if w.task is not None}
        ready = wait(list(busy), seconds)
        events: list[Event] = []
        for connection, (worker, task) in busy.items():
            if connection not in ready:
                continue
            try:
                news = connection.recv()
            except (EOFError, OSError):  # the process is gone
                events += self._lost(worker, task)
                continue
            events.append(Event(task, news))
            if isinstance(news, TaskResult):
                worker.task = None
        return events

    def _hand_out(self) -> None:
        """Give every free process a task, starting processes where all are busy."""
        while self._waiting:
            worker = next((w for w in self._workers if w.task is None), None)
            if worker is None:
                if len(self._workers) >= self._number:
                    return
                worker = self._start()
                self._workers.append(worker)
            worker.task = self._waiting.popleft()
            try:
                worker.connection.send(worker.task)
            except OSError:  # it died while it was idle
                self._waiting.appendleft(worker.task)
                self._dismiss(worker)

    def _start(self) -> _Worker:
        here, there = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(there,), name="lgtsm-batch")
        process.start()
        there.close()  # so that its end is noticed here
        return _Worker(process, here)

    def _lost(self, worker: _Worker, task: Task) -> list[Event]:
        """Have the task of a lost process done again, or give it up."""
        code = self._dismiss(worker)
        losses = self._losses[task.name] = self._losses.get(task.name, 0) + 1
        if losses <= self._retries:
            self._waiting.appendleft(task)
            _LOG.warning("%s lost its process (%s) and is tried again", task.name, code)
            return [Event(task, Progress(0, 0, "waiting"))]
        error = (
            f"Expected its process to end by itself, got {code} {losses} times; check the memory of this "
            "machine."
        )
        return [Event(task, TaskResult(state=State.FAILED, error=error))]

    def _dismiss(self, worker: _Worker) -> str:
        """Forget a process that is gone; return how it ended, in words."""
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join(_STOP_SECONDS)
        code = worker.process.exitcode
        if code is not None and code < 0:
            return f"signal {-code}"
        return f"exit code {code}"

    def close(self) -> None:
        """Stop all processes; see `Executor`."""
        for worker in self._workers:
            worker.connection.close()  # which it takes as the wish to stop
        late = time.monotonic() + _STOP_SECONDS
        for worker in self._workers:
            worker.process.join(max(0.0, late - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()
        self._waiting.clear()


def _serve(connection: Connection) -> None:
    """Perform tasks until the connection is closed: the life of a worker process."""
    # Ctrl-C reaches the whole group of processes; the batch decides what becomes of it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("lgtsm").addHandler(logging.NullHandler())  # reports note all warnings
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    with suppress(EOFError, OSError, Cancelled):
        while True:
            connection.send(perform(connection.recv(), _hooks(connection)))


def _end_with(sentinel: int) -> None:
    """End this process at once when its parent has ended, whatever it is doing."""
    wait([sentinel])
    os._exit(1)


def _hooks(connection: Connection) -> Hooks:
    """Report progress through a connection, and stop when it is closed at its other end."""

    def send(progress: Progress) -> None:
        # closed: the next question whether to stop is answered with yes
        with suppress(OSError):
            connection.send(progress)

    def is_closed() -> bool:
        try:
            return connection.poll()  # a batch sends nothing to a busy process
        except OSError:
            return True

    return Hooks(throttled(send, _NEWS_SECONDS), is_closed)
