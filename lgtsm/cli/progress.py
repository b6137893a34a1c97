"""What a user sees while a job runs: a bar and the log, both on stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType


class _BarHandler(logging.Handler):
    """Print log records above the bar instead of through it."""

    def emit(self, record: logging.LogRecord) -> None:
        from tqdm import tqdm

        tqdm.write(f"lgtsm: {self.format(record)}", file=sys.stderr)


@contextmanager
def logging_to_stderr(level: int) -> Iterator[None]:
    """Show the package's log from a level on, while a command runs.

    Args:
        level: as in `logging`.
    """
    logger = logging.getLogger("lgtsm")
    handler, before = _BarHandler(level), logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


class Bar:
    """One progress bar with frames a second and time left; silent where stderr is no terminal."""

    def __init__(self, name: str, *, unit: str = "frame", quiet: bool = False) -> None:
        from tqdm import tqdm

        # None: off unless stderr is a terminal
        self._bar = tqdm(
            desc=name,
            unit=unit,
            file=sys.stderr,
            disable=True if quiet else None,
            dynamic_ncols=True,
        )

    def __call__(self, done: int, total: int, note: str) -> None:
        """Take the engine's progress."""
        self._bar.total = total or None
        if note:
            self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()
