"""Outputs that exist before a command begins: replaced, refused, asked about, or finished already."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import OptionError
from .tasks import Task, outputs


def check_existing(tasks: list[Task], arguments: argparse.Namespace) -> None:
    """Decide about files that exist where a command will write, before any work.

    Folders are not looked into. A job that is resumed may replace its own outputs.

    Args:
        tasks: of the command.
        arguments: overwrite (None: ask on a terminal, else replace) and resume.

    Raises:
        OptionError: files exist and may not be replaced.
    """
    if arguments.overwrite or arguments.resume:
        return
    found = [path for task in tasks for path in outputs(task) if path.is_file()]
    if not found:
        return
    names = ", ".join(map(str, found[:3])) + (f" and {len(found) - 3} more" if found[3:] else "")
    if arguments.overwrite is not None:
        raise OptionError(
            f"Expected outputs that do not exist yet, got {names}; choose other names, or leave out "
            "--no-overwrite."
        )
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return
    print(f"lgtsm: {names} exists; replace it? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise OptionError(f"Expected leave to replace {names}, got none; choose other names.")


def is_done(task: Task) -> bool:
    """Tell whether an earlier run finished a task: whole outputs, newer than all its files."""
    from ..journal import journal_folder

    written = outputs(task)
    if task.target is None or journal_folder(task.target).exists():
        return False
    if not all(path.exists() for path in written):
        return False
    made = min(path.stat().st_mtime_ns for path in written)
    given = [task.source, *([task.mask] if isinstance(task.mask, Path) else [])]
    return all(path.exists() and _changed(path) <= made for path in given)


def _changed(path: Path) -> int:
    """Return when a file, or the newest file of a folder, was changed."""
    files = [p for p in path.iterdir() if p.is_file()] if path.is_dir() else [path]
    return max((p.stat().st_mtime_ns for p in files), default=0)
