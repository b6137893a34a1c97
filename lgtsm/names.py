"""Names that the system cannot follow, found before any work."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .errors import VideoError


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
