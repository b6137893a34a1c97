"""Warnings of the library, shown on the node that runs as soon as they come."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from ..lgtsm import errors

LIBRARY = errors.__name__.rpartition(".")[0]
"""Name of the library here, above those of its loggers."""


class _Notices(logging.Handler):
    """Shows every warning so far as the text of a node."""

    def __init__(self, node_id: str) -> None:
        super().__init__(logging.WARNING)
        self._node_id = node_id
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        from server import PromptServer  # only where nodes run

        line = record.getMessage()
        self._lines.append(f"Warning: {line}")
        server = getattr(PromptServer, "instance", None)
        if server is not None and hasattr(server, "send_progress_text"):
            server.send_progress_text("\n".join(self._lines), self._node_id)


@contextmanager
def shown_on(node_id: str | None) -> Iterator[logging.Logger]:
    """Show what the library warns of on a node; yields the logger for warnings of the node itself."""
    logger = logging.getLogger(LIBRARY)
    if not node_id:  # called by other code, not by a server
        yield logger
        return
    notices = _Notices(node_id)
    logger.addHandler(notices)
    try:
        yield logger
    finally:
        logger.removeHandler(notices)
