"""Warnings of the library, shown on the node that runs as soon as they come."""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

from ..lgtsm import errors

LIBRARY = errors.__name__.rpartition(".")[0]
"""Name of the library here, above those of its loggers."""
_COLUMNS = 44
"""Characters in a row: as many as a node 400 pixels wide shows, so that a verdict fills two rows; of a third one only
the top is seen. ComfyUI alone breaks rows inside words, as it still does on narrower nodes (after 41 at 300 pixels)."""


class Notices(logging.Handler):
    """Lines of text on a node: every warning so far, then how the work ended."""

    def __init__(self, node_id: str | None) -> None:
        super().__init__(logging.WARNING)
        self._node_id = node_id
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Show a warning."""
        self.tell(f"Warning: {record.getMessage()}")

    def tell(self, line: str) -> None:
        """Add a line; an empty one is nothing."""
        if not line or not self._node_id:
            return
        from server import PromptServer  # only where nodes run

        self._lines.append(
            textwrap.fill(line, _COLUMNS, break_long_words=False, break_on_hyphens=False)
        )
        server = getattr(PromptServer, "instance", None)
        if server is not None and hasattr(server, "send_progress_text"):
            server.send_progress_text("\n".join(self._lines), self._node_id)

    def warn(self, text: str) -> None:
        """Log a warning of the node itself, which is shown, too."""
        logging.getLogger(LIBRARY).warning("%s", text)


@contextmanager
def shown_on(node_id: str | None) -> Iterator[Notices]:
    """Show what the library warns of on a node, and what the node tells; None for other code than a server."""
    notices, logger = Notices(node_id), logging.getLogger(LIBRARY)
    if not node_id:
        yield notices
        return
    logger.addHandler(notices)
    try:
        yield notices
    finally:
        logger.removeHandler(notices)
