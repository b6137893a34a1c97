"""Read ahead and write behind: each in one thread of its own, a few frames apart, in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Item = TypeVar("Item")
_MEMORY = 2**27
"""Bytes for frames read ahead, unless two frames alone take more; set by hand, not swept."""
_PIXEL_BYTES = 20
"""Of a frame and its hole: four float32 channels, and at most four bytes of decoded samples."""


def frames_ahead(height: int, width: int) -> int:
    """Return how many frames of a size to hold between two threads: as many as 128 MB, 2 to 16."""
    return max(2, min(16, _MEMORY // (_PIXEL_BYTES * height * width)))


class ReadAhead(Generic[Item]):
    """Iterate over items that a thread makes before they are asked for.

    Use it in a `with` block: when it ends, for whatever reason, the source is closed and the thread
    has ended. The source runs in that thread alone, and opens and closes its files there. An
    exception of the source is raised in place of the item it would have made.
    """

    def __init__(self, source: Iterable[Item], most: int) -> None:
        """Set up the thread; nothing is read before the block begins.

        At most `most` items (1 or more) are ready or in the making.
        """
        self._source = iter(source)
        self._most = most
        self._thread = ThreadPoolExecutor(1, "lgtsm-read")
        self._coming: deque[Future[Item]] = deque()

    def _ask(self) -> None:
        self._coming.append(self._thread.submit(next, self._source))

    def _stop(self) -> None:
        for item in self._coming:
            item.cancel()
        self._coming.clear()

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        if not self._coming:
            raise StopIteration
        try:
            item = self._coming.popleft().result()
        except BaseException:  # StopIteration among them: the source has ended
            self._stop()
            raise
        self._ask()
        return item

    def __enter__(self) -> ReadAhead[Item]:
        for _ in range(self._most):
            self._ask()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._thread.submit(getattr(self._source, "close", lambda: None))
        try:
            self._thread.shutdown()
        finally:  # an interruption does not leave the thread running
            self._thread.shutdown()


class WriteBehind:
    """Do pieces of work one after the other in a thread while the caller goes on.

    Use it in a `with` block: when it ends, all work is done and the thread has ended. If the block
    raises, work that has not begun is dropped. A piece that fails is the last one; its exception is
    raised by the next `put`, or at the end of the block.
    """

    def __init__(self, most: int) -> None:
        """Set up the thread; `put` blocks while `most` pieces (1 or more) wait or are in progress."""
        self._thread = ThreadPoolExecutor(1, "lgtsm-write")
        self._places = threading.Semaphore(most)
        self._dropped = False
        self._error: BaseException | None = None

    def put(self, piece: Callable[[], None]) -> None:
        """Have a piece done after all earlier ones.

        Raises:
            BaseException: whatever an earlier piece raised.
        """
        self._places.acquire()
        self._raise()
        self._thread.submit(self._do, piece)

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _do(self, piece: Callable[[], None]) -> None:
        try:
            if not self._dropped and self._error is None:
                piece()
        except BaseException as raised:  # noqa: BLE001  raised again in the caller
            self._error = raised
        finally:
            self._places.release()

    def __enter__(self) -> WriteBehind:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._dropped = kind is not None
        try:
            self._thread.shutdown()
        except BaseException:  # an interruption while the last pieces are done
            self._dropped = True
            self._thread.shutdown()
            raise
        if kind is None:
            self._raise()
