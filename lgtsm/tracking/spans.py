"""The stretches between painted frames and cuts, each tracked by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Span:
    """Frames that depend on the same painted ones.

    start, end: frames, the end is not included.
    before, after: the painted frame just before the start and the one at the end, None where there is
        none in the shot.
    """

    start: int
    end: int
    before: int | None
    after: int | None

    @property
    def sides(self) -> list[int]:
        """Return the painted frames that it is tracked from: none, one or two."""
        return [number for number in (self.before, self.after) if number is not None]


def spans(painted: Sequence[int], cuts: Sequence[int], part: range) -> Iterator[Span]:
    """Yield the stretches of a part of a clip, in order; painted frames are in none.

    Args:
        painted: frame numbers in order.
        cuts: first frames of new shots, in order.
        part: frames from the first to the last one.
    """
    borders = [part.start, *(cut for cut in cuts if part.start < cut < part.stop), part.stop]
    for first, end in pairwise(borders):
        inside = [number for number in painted if first <= number < end]
        stops: list[int | None] = [None, *inside, None]
        for before, after in pairwise(stops):
            span = Span(
                first if before is None else before + 1,
                end if after is None else after,
                before,
                after,
            )
            if span.start < span.end:
                yield span
