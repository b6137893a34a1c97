"""The frames to track in, read as often and in the order that tracking needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from torch import Tensor
from torch.nn.functional import interpolate

LONGEST = 432
"""Longer side of the working size in pixels; masks are enlarged to the frames."""
_LEAST = 32
_MULTIPLE = 4
_CHUNK = 24
"""Frames read together where they are needed in reverse."""


class Clip(Protocol):
    """Frames that can be read more than once."""

    @property
    def count(self) -> int:
        """Number of frames."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        ...

    def read(self, start: int, end: int) -> Iterator[Tensor]:
        """Yield the frames (3,H,W) in [0,1] from start up to end, which is not included."""
        ...


class TensorClip:
    """Frames (T,3,H,W) in memory."""

    def __init__(self, frames: Tensor) -> None:
        self._frames = frames

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self._frames)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self._frames.shape[2], self._frames.shape[3]

    def read(self, start: int, end: int) -> Iterator[Tensor]:
        """Yield float32 frames on the CPU, without values that are no pixels."""
        for frame in self._frames[start:end]:
            yield frame.detach().cpu().float().nan_to_num(0, 1, 0).clamp(0, 1)


def working_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return the (height, width) to track at: multiples of 4, reduced where a side is long."""
    ratio = min(1.0, LONGEST / max(size))
    height, width = (max(_LEAST, round(side * ratio / _MULTIPLE) * _MULTIPLE) for side in size)
    return height, width


def reduced(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring a picture (C,H,W) to a size (height, width)."""
    if tuple(picture.shape[-2:]) == size:
        return picture
    return interpolate(picture[None], size, mode="bilinear", antialias=True)[0]


def in_order(
    clip: Clip, start: int, end: int, size: tuple[int, int]
) -> Iterator[tuple[int, Tensor]]:
    """Yield numbered frames at a size, backwards where end is below start; end is left out."""
    if start <= end:
        for number, frame in enumerate(clip.read(start, end), start):
            yield number, reduced(frame, size)
        return
    for last in range(start + 1, end + 1, -_CHUNK):
        first = max(end + 1, last - _CHUNK)
        frames = [reduced(frame, size) for frame in clip.read(first, last)]
        yield from zip(range(first, last)[::-1], frames[::-1], strict=True)
