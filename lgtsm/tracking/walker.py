"""What carries a mask from a painted frame through its neighbours, as the tracker sees it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from .prompts import Prompt


@dataclass(frozen=True)
class Painted:
    """A frame whose mask is known.

    frame: (3,h,w) in [0,1].
    mask: (1,1,h,w) in [0,1], 1 = object.
    steps: frames from where a walk begins to this one.
    """

    frame: Tensor
    mask: Tensor
    steps: int = 0


class Walker(Protocol):
    """Carries masks; every walk is independent of the ones before it.

    name: of all that the masks depend on beside frames and painted masks.
    """

    name: str

    def size(self, frame_size: tuple[int, int]) -> tuple[int, int]:
        """Return the (height, width) that it wants frames of a size at."""
        ...

    def mark(self, frame: Tensor, prompt: Prompt, frame_size: tuple[int, int]) -> Tensor:
        """Return the mask (1,1,h,w), 0 or 1, that a box or points stand for.

        Args:
            frame: (3,h,w) in [0,1], at the size that it wants.
            prompt: in pixels of the source.
            frame_size: (height, width) of the source.
        """
        ...

    def prepare(self, before: Painted, after: Painted, frames: Iterable[Tensor]) -> Any:
        """Return what the walks through a stretch share, both ways; None for nothing.

        Args:
            before: the painted frame before the first one.
            after: the one behind the last one.
            frames: (3,h,w) in [0,1].
        """
        ...

    def walk(
        self,
        start: Painted,
        other: Painted | None,
        frames: Iterable[Tensor],
        shared: Any = None,
    ) -> Iterator[tuple[Tensor, float]]:
        """Carry a mask from frame to frame.

        Args:
            start: the frame before the first one, in the direction of the walk.
            other: the frame behind the last one, where that is painted, too.
            frames: (3,h,w) in [0,1].
            shared: of `prepare`, where the other frame is painted, too.

        Yields:
            Of each frame the probability (1,1,h',w') of the object, and the overlap with the true mask to
            expect, 0 to 1.
        """
        ...
