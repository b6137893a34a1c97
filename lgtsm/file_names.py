"""Names of a job's files: each has its own, and the system takes it. No torch."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .errors import VideoError

_IGNORING_CASE = ("win32", "darwin")
"""Systems whose disks usually take film.mp4 and Film.mp4 for one name."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|.*[<>:\"|?*].*|.*[. ]", re.IGNORECASE)
"""What Windows takes for a device, refuses, or shortens."""


def refuse_shared_names(inputs: Iterable[Path], outputs: Iterable[Path | None]) -> None:
    """Refuse outputs that would replace an input or each other, or that Windows cannot name.

    Raises:
        VideoError: two files of one name, on Windows a reserved one, or one that the system cannot follow.
    """
    inputs, written = list(inputs), [path for path in outputs if path is not None]
    check_names([*inputs, *written])
    taken = {key for path in inputs for key in _identities(path)}
    for output in written:
        if sys.platform == "win32" and _RESERVED.fullmatch(output.name):
            raise VideoError(
                f"Expected a name that Windows allows, got {output.name}; choose one without "
                '<>:"|?*, a dot or space at its end, or the name of a device such as con or nul.'
            )
        if taken.intersection(_identities(output)):
            raise VideoError(
                f"Expected a name of its own for every input and output, got {output} twice; choose "
                "a new name."
            )
        taken.update(_identities(output))


def check_names(paths: Iterable[Path]) -> None:
    """Refuse names that are too long, loops of links, and whatever else the system does not look up.

    Raises:
        VideoError: the first such name.
    """
    for path in paths:
        try:
            path.resolve()
            path.exists()
        except (OSError, RuntimeError, ValueError) as error:
            # a loop is a RuntimeError before Python 3.13, a null byte a ValueError
            reason = getattr(error, "strerror", None) or str(error).split(" from ")[0]
            raise VideoError(
                f"Expected a name that the system can follow, got {path!s:.300} ({reason}); "
                "choose another."
            ) from error


def refuse_missing(path: Path) -> None:
    """Refuse a film or mask that is not there, before anything slow is loaded.

    Raises:
        VideoError: there is no such file or folder.
    """
    if not path.exists():
        raise VideoError(f"Expected a video, an image or a folder, got {path}; check the path.")


def _identities(path: Path) -> set[object]:
    """Return what two names of one file share: on some systems, names that differ in case."""
    name = str(path.resolve())
    found: set[object] = {name.casefold() if sys.platform in _IGNORING_CASE else name}
    with suppress(OSError):  # not there yet
        status = path.stat()
        found.add((status.st_dev, status.st_ino))
    return found
