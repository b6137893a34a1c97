"""Progress and cancellation of a running job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from ..errors import Cancelled

Item = TypeVar("Item")


@dataclass(frozen=True)
class Hooks:
    """Progress and cancellation; an exception from either passes through unchanged.

    progress: called as progress(done, total, note) at every step: the work done, in whole frames' worth;
        all frames, 0 where unknown; what was done.
    cancel: returns True to stop; asked before every layer of every chunk.
    """

    progress: Callable[[int, int, str], None] | None = None
    cancel: Callable[[], bool] | None = None

    def report(self, done: int, total: int, note: str) -> None:
        """Report progress to the caller."""
        if self.progress is not None:
            self.progress(done, total, note)

    def asked(self) -> bool:
        """Tell whether the caller asks to stop."""
        return self.cancel is not None and self.cancel()

    def check(self) -> None:
        """Stop when the caller asks for it.

        Raises:
            Cancelled: the caller's cancel function returned True.
        """
        if self.asked():
            raise Cancelled(
                "Expected to run to the end, was asked to stop; start it again to continue."
            )

    def checked(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield items, and stop between them when the caller asks for it."""
        for item in items:
            self.check()
            yield item
