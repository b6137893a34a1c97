"""What the engine asks of a streamed network: frames in, finished frames out some frames later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from ..box import Box

BoxAt = Callable[[int], Box | None]
"""Frame number -> box of that frame's hole, None where it has none or the frame does not exist."""


@dataclass(frozen=True)
class StreamSetup:
    """How one shot is streamed.

    size: (height, width) of the frames, multiples of the network's.
    device: where to compute.
    dtype: of features and weights.
    box_at: boxes of the holes, known for every frame that a pushed frame can influence.
    check: called before every layer; an exception from it leaves the stream unchanged.
    """

    size: tuple[int, int]
    device: torch.device
    dtype: torch.dtype
    box_at: BoxAt
    check: Callable[[], None]

    def narrowed(self, narrow: Callable[[Box | None], Box | None]) -> StreamSetup:
        """Return the setup with other boxes, each inside the old one."""
        box_at = self.box_at

        def narrowed_at(t: int) -> Box | None:
            return narrow(box_at(t))

        return replace(self, box_at=narrowed_at)


@dataclass(frozen=True)
class StreamOutput:
    """Finished frames, in order.

    pixels: (N,C,h,w) float32 covering `box`; None where none of the frames has a hole.
    box: around the holes of all of them.
    count: N, 0 or more.
    """

    pixels: Tensor | None
    box: Box | None
    count: int


class Stream(Protocol):
    """One shot on its way through a network.

    A push or finish that raises leaves the stream unchanged.
    """

    @property
    def dtype(self) -> torch.dtype:
        """Of features and weights."""
        ...

    @property
    def reach(self) -> tuple[int, int]:
        """How many frames (before, after) an output frame reads."""
        ...

    @property
    def finished(self) -> bool:
        """Whether every frame has been returned."""
        ...

    def input_box(self, first: int, count: int) -> Box | None:
        """Return the part of frames first ... first+count-1 that is read, None where nothing is."""
        ...

    def push(self, values: Tensor | None, box: Box | None, count: int) -> StreamOutput:
        """Add frames of the network's input.

        Args:
            values: (count,C,h,w) covering `box`, or None where `input_box` is None.
            box: at least `input_box` of these frames.
            count: number of frames, 1 or more.
        """
        ...

    def finish(self, limit: int) -> StreamOutput:
        """Return some of the frames that waited for later ones; call until `finished`.

        Args:
            limit: frames that may be computed together, 1 or more; may differ between calls.
        """
        ...

    def held(self) -> list[Tensor]:
        """Return all tensors that are kept between calls."""
        ...

    def snapshot(self) -> Callable[[], None]:
        """Return a function that puts the stream back to its present state."""
        ...

    def set_dtype(self, dtype: torch.dtype) -> None:
        """Convert weights and kept tensors to another dtype."""
        ...

    def narrowed(self, narrow: Callable[[Box | None], Box | None]) -> Stream:
        """Return a stream that continues from this state with other boxes, each inside the old one.

        Weights are shared until `set_dtype`.
        """
        ...
