"""Orderly shutdown on SIGINT (Ctrl-C) and SIGTERM."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Context that catches SIGINT and SIGTERM; does nothing outside the main thread.

    Immediate (the default): the first signal raises KeyboardInterrupt, later ones are ignored, so
    that they cannot disturb the clean-up. Python drops exceptions raised inside a destructor;
    `happened` still reports such a signal, and as the engine's cancel function it stops the run.

    Deferred: the first signal only sets `happened`, so that the caller can finish its step. A
    second SIGINT raises KeyboardInterrupt.
    """

    def __init__(self, *, deferred: bool = False) -> None:
        self._deferred = deferred
        self._happened = False
        self._previous: dict[int, Any] = {}

    def happened(self) -> bool:
        """Return whether a signal was received."""
        return self._happened

    def _handle(self, number: int, frame: FrameType | None) -> None:
        is_first, self._happened = not self._happened, True
        if not self._deferred and is_first:
            raise KeyboardInterrupt
        if self._deferred and not is_first and number == signal.SIGINT:
            raise KeyboardInterrupt

    def __enter__(self) -> Interruption:
        # Python installs signal handlers from the main thread only
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            # None: the handler was not installed from Python
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
