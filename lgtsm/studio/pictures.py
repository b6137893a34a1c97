"""Exact frames of a film as PNG, decoded on demand, in memory that does not grow with its length."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, repeat
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..errors import OptionError
from ..video.frame import Frame
from ..video.image import is_still
from ..video.read import read_frames, read_masks

MOST_BYTES = 64 * 2**20
"""Of the pictures of one film that are kept."""
_STEPS = 24
"""As many frames ahead are decoded on the way rather than looked for anew."""


Item = TypeVar("Item")


class Pictures(Generic[Item]):
    """Frames of one file, by number; safe to ask from several threads.

    Args:
        read: opens the frames from a number on.
        png: makes the picture of a frame.
        count: of the frames.
        most_bytes: of the pictures that are kept, at least one of which is; `kept_bytes` has what they take.
    """

    def __init__(
        self,
        read: Callable[[int], Iterator[Item]],
        png: Callable[[Item], bytes],
        count: int,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._read, self._png, self.count, self._most_bytes = read, png, count, most_bytes
        self._lock = threading.Lock()
        self._next = 0
        self._frames: Iterator[Item] | None = None
        self._known: OrderedDict[int, bytes] = OrderedDict()
        self.kept_bytes = 0

    def png(self, number: int) -> bytes:
        """Return a frame as PNG.

        Raises:
            OptionError: there is no such frame; VideoError: it cannot be read.
        """
        if not 0 <= number < self.count:
            raise OptionError(
                f"Expected a frame from 0 to {self.count - 1}, got {number}; choose one of these."
            )
        with self._lock:
            if number not in self._known:
                self._keep(number, self._png(self._decoded(number)))
            self._known.move_to_end(number)
            return self._known[number]

    def _decoded(self, number: int) -> Item:
        """Return a frame, going on from the last one where it lies close ahead."""
        frames, self._frames = self._frames, None  # until this frame is read
        if frames is None or not self._next <= number < self._next + _STEPS:
            self._next, frames = number, iter(self._read(number))
        frame = next(islice(frames, number - self._next, None), None)
        if frame is None:
            raise OptionError(
                f"Expected frame {number}, got the end of the film; choose an earlier one."
            )
        self._next, self._frames = number + 1, frames
        return frame

    def _keep(self, number: int, data: bytes) -> None:
        self._known[number] = data
        self.kept_bytes += len(data)
        while self.kept_bytes > self._most_bytes and len(self._known) > 1:
            self.kept_bytes -= len(self._known.popitem(last=False)[1])


def film_pictures(path: Path, count: int, most_bytes: int = MOST_BYTES) -> Pictures[Frame]:
    """Return the frames of a film or folder as 8-bit RGB."""
    return Pictures(lambda start: read_frames(path, start=start), _frame_png, count, most_bytes)


def mask_pictures(
    paths: Sequence[Path], count: int, source: Path, png: Callable[[tuple[Tensor, ...]], bytes]
) -> Pictures[tuple[Tensor, ...]]:
    """Return the masks of some files, frame by frame together; a still image serves every frame."""

    def read(path: Path, start: int) -> Iterator[Tensor]:
        masks = read_masks(path, start=start, frames_of=source, tell=lambda _: None)
        return repeat(next(masks)) if is_still(path) else masks

    return Pictures(
        lambda start: zip(*(read(path, start) for path in paths), strict=False), png, count
    )


def _frame_png(frame: Frame) -> bytes:
    return encoded(as_bytes(frame.rgb()))


def as_bytes(rgb: Tensor) -> NDArray[np.uint8]:
    """Return a picture (3,H,W) in [0,1] as (H,W,3) bytes."""
    return (rgb * 255).round().byte().permute(1, 2, 0).contiguous().numpy()


def encoded(values: NDArray[np.uint8]) -> bytes:
    """Return bytes (H,W) or (H,W,3) as PNG, fast rather than small."""
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
