"""One frame of a video by its number."""

from __future__ import annotations

from pathlib import Path

from ..errors import VideoError
from .frame import Frame
from .probe import count_frames
from .read import read_frames


def read_one_frame(source: Path, number: int, *, start: int = 0, end: int | None = None) -> Frame:
    """Read one frame of a video file or folder of images.

    Args:
        source: is decoded from the key frame before that frame on.
        number: of the frame, counted from 0 at `start`.
        start: first frame of the part that counts.
        end: frame after its last one; None is the end of the video.

    Raises:
        VideoError: there is no such frame, or the video cannot be read.
    """
    if end is not None and start + number >= end:
        raise _too_far(number, end - start)
    try:
        return next(iter(read_frames(source, start=start + number, end=start + number + 1)))
    except VideoError as error:
        count = count_frames(source)  # reads the whole file: only now
        if number < 0 or start + number < count:
            raise
        raise _too_far(number, count - start) from error


def _too_far(number: int, count: int) -> VideoError:
    return VideoError(
        f"Expected a frame number below {count}, got {number}; the video's frames are 0 to {count - 1}."
    )
