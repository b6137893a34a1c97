"""What a user sees of a command: a progress bar and the log on stderr, figures, files of text."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from ..errors import OptionError


class _BarHandler(logging.Handler):
    """Print log records above the bar instead of through it."""

    def emit(self, record: logging.LogRecord) -> None:
        from tqdm import tqdm

        tqdm.write(f"lgtsm: {self.format(record)}", file=sys.stderr)


@contextmanager
def logging_to_stderr(level: int) -> Iterator[None]:
    """Show the package's log from a level of `logging` on, while a command runs."""
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
    """A progress bar with frames per second and time left; silent unless stderr is a terminal."""

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
        """Show the engine's progress."""
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


def format_bytes(number: int) -> str:
    """Write a number of bytes in words."""
    value = float(number)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB"


def format_seconds(seconds: float) -> str:
    """Write a duration in words."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def write_text(path: Path, text: str) -> None:
    """Write a file of text that ends with a line break.

    Raises:
        OptionError: it cannot be written.
    """
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise OptionError(
            f"Expected to write {path}, got: {error.strerror}; choose another file."
        ) from error
