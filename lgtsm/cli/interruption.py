"""Ctrl-C and a polite kill, turned into one orderly end."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Raise KeyboardInterrupt once on SIGINT or SIGTERM; further signals cannot disturb cleaning.

    Should the exception get lost on its way (Python drops those raised inside a destructor), then
    `happened` still stops the engine at the next layer.
    """

    def __init__(self) -> None:
        self._happened = False
        self._before: dict[int, object] = {}

    def happened(self) -> bool:
        """Tell whether a signal came; serves as the engine's cancel function."""
        return self._happened

    def _raise(self, number: int, frame: FrameType | None) -> None:
        if not self._happened:
            self._happened = True
            raise KeyboardInterrupt

    def __enter__(self) -> Interruption:
        # handlers can only be set from the main thread; elsewhere someone else has them
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._raise) for number in _SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
