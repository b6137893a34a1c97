"""Stop at the next step's end when asked to, so that the state is written first."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Stopping:
    """While open, SIGTERM and Ctrl-C set `asked`; a second Ctrl-C interrupts at once.

    Outside of the main thread signals cannot be taken and nothing changes.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, object] = {}

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
