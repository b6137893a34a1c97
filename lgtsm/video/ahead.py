"""Reading ahead and writing behind: each in a thread of its own, a few frames apart, in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")
_MEMORY = 2**28
"""Bytes that frames read ahead may take, unless two alone take more."""
_PIXEL = 20
"""Bytes of a pixel of a frame and its hole: float colours and hole, and the decoded samples."""


def frames_ahead(height: int, width: int) -> int:
    """Return how many frames of a size to hold between two threads: what 256 MB hold, 2 to 16."""
    return max(2, min(16, _MEMORY // (_PIXEL * height * width)))


@dataclass(frozen=True)
class _End:
    """Stands behind the last item; `error` is what stopped the source, None at its end."""

    error: BaseException | None


class ReadAhead(Generic[Item]):
    """Iterate over items that a thread makes before they are asked for.

    Use it in a `with` block: at its end, however it comes, the source is closed and the thread is
    over. The source runs, and if it is a generator opens and closes its files, in that thread alone.
    An exception of the source comes out where its item would have come.
    """

    def __init__(self, source: Iterable[Item], most: int) -> None:
        """Take the source; nothing is read before the block begins.

        Args:
            source: iterated over once, in the thread.
            most: items that may be ready or in the making, 1 or more.
        """
        self._source = iter(source)
        self._ready: SimpleQueue[Item | _End] = SimpleQueue()
        self._places = threading.Semaphore(most)
        self._left = False
        self._over = False
        self._thread = threading.Thread(target=self._work, name="lgtsm-read", daemon=True)

    def _work(self) -> None:
        error = None
        try:
            try:
                while self._places.acquire() and not self._left:
                    # no variable of its own: it would keep one item more alive
                    self._ready.put(next(self._source))
            except StopIteration:
                pass
            finally:
                close = getattr(self._source, "close", None)
                if close is not None:
                    close()
        except BaseException as raised:  # noqa: BLE001  raised again where the items are used
            error = raised
        self._ready.put(_End(error))
        del error  # its traceback refers to this frame, and so to the source's files

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        if self._over:
            raise StopIteration
        item = self._ready.get()
        if isinstance(item, _End):
            self._over = True
            raise StopIteration if item.error is None else item.error
        self._places.release()
        return item

    def __enter__(self) -> ReadAhead[Item]:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left = self._over = True
        self._places.release()
        try:
            self._thread.join()
        finally:  # also when interrupted: the thread is at its last item
            self._thread.join()
            self._ready = SimpleQueue()  # what was ready is not wanted any more


class WriteBehind:
    """Do pieces of work one after the other in a thread, behind the caller's back.

    Use it in a `with` block: at its end all work is done and the thread is over; where the block
    ends by an exception, work that has not begun is dropped. A piece that fails is the last one; its
    exception comes out at the next `put` or at the end of the block.
    """

    def __init__(self, most: int) -> None:
        """Set up the thread; it starts with the block.

        Args:
            most: pieces that may wait or be in the making, 1 or more; `put` waits for a place.
        """
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._places = threading.Semaphore(most)
        self._dropped = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="lgtsm-write", daemon=True)

    def put(self, piece: Callable[[], None]) -> None:
        """Have something done after everything that was put before.

        Args:
            piece: called without arguments in the thread.

        Raises:
            BaseException: whatever an earlier piece raised.
        """
        self._places.acquire()
        self._raise()
        self._waiting.put(piece)

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (piece := self._waiting.get()) is not None:
            try:
                if not self._dropped and self._error is None:
                    piece()
            except BaseException as raised:  # noqa: BLE001  raised again in the caller
                self._error = raised
            del piece  # not while waiting for the next one
            self._places.release()

    def __enter__(self) -> WriteBehind:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._dropped = kind is not None
        try:
            self._waiting.put(None)
            self._thread.join()
        except BaseException:  # an interruption while the last pieces are done
            self._dropped = True
            self._waiting.put(None)
            self._thread.join()
            raise
        if kind is None:
            self._raise()
