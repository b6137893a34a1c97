"""What a user sees of a command: a progress bar and the log on stderr, figures, files of text."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby, zip_longest
from pathlib import Path

from ..errors import OptionError
from ..whole_file import WholeFile


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
    logger.setLevel(min(level, logging.WARNING))  # reports note warnings that are not shown
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


@contextmanager
def progress_bar(
    name: str, *, unit: str = "frame", quiet: bool = False
) -> Iterator[Callable[[int, int, str], None]]:
    """Yield a progress function that draws a bar with speed and time left.

    The bar is silent unless stderr is a terminal.
    """
    from tqdm import tqdm

    with tqdm(
        desc=name,
        unit=unit,
        file=sys.stderr,
        disable=True if quiet else None,  # None: off unless the file is a terminal
        dynamic_ncols=True,
        smoothing=0.05,  # stages of a job differ in speed
    ) as bar:

        def show(done: int, total: int, note: str) -> None:
            bar.total = total or None
            if not bar.disable and note != bar.postfix:
                bar.set_postfix_str(note)
            bar.update(done - bar.n)

        yield show


@contextmanager
def film_progress(
    arguments: argparse.Namespace, name: str
) -> Iterator[Callable[[int, int, str], None]]:
    """Yield the progress function of a command with film options: a bar, or lines for a program."""
    if arguments.progress == "bar":
        with progress_bar(name, quiet=arguments.quiet) as bar:
            yield bar
        return
    said = ""

    def tell(done: int, total: int, note: str) -> None:
        nonlocal said
        line = f"progress {done}/{total} {note}".rstrip()
        if line != said:
            said = line
            print(line, file=sys.stderr, flush=True)

    yield tell


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


def format_speed(frames: int, seconds: float) -> str:
    """Write a speed in words: frames a second, below one a second seconds a frame."""
    seconds = max(seconds, 1e-6)
    if frames >= seconds or not frames:
        return f"{frames / seconds:.1f} frames/s"
    return f"{seconds / frames:.1f} s/frame"


def align_tables(text: str) -> str:
    """Pad the cells of markdown tables, so that their columns stand in line in a terminal."""
    lines = text.split("\n")
    for is_table, group in groupby(range(len(lines)), lambda i: lines[i].startswith("|")):
        if is_table:
            numbers = list(group)
            rows = [[cell.strip() for cell in lines[i].strip("|").split("|")] for i in numbers]
            widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
            for i, row in zip(numbers, rows, strict=True):
                is_rule = set("".join(row)) <= {"-"}
                pad = "-" if is_rule else " "
                cells = (cell.ljust(width, pad) for cell, width in zip(row, widths, strict=False))
                lines[i] = "|" + "|".join(f"{pad}{cell}{pad}" for cell in cells) + "|"
    return "\n".join(lines)


def make_folder(folder: Path) -> None:
    """Make a folder for results, before anything is measured.

    Raises:
        OptionError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(
            f"Expected to write the results to {folder}, got: {error.strerror}; choose another folder."
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a file of text that ends with a line break.

    Raises:
        OptionError: it cannot be written.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe or device is not replaced
            path.write_text(text + "\n", encoding="utf-8")
            return
        with WholeFile(path) as partial:
            partial.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise OptionError(
            f"Expected to write {path}, got: {error.strerror}; choose another file."
        ) from error
