"""Convert seconds to frame numbers, and count frames, without decoding."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from ..errors import VideoError
from .folder import list_images
from .media import is_hidden, open_media, video_stream
from .read import is_still


def frame_span(path: Path, start_seconds: float, seconds: float) -> tuple[int, int]:
    """Find the frames of an interval of time by their own time stamps.

    Args:
        path: video file.
        start_seconds: on the file's own clock, 0 or more.
        seconds: length; 0 extends to the end.

    Returns:
        First frame, and the frame after the last one.

    Raises:
        VideoError: not a video, without time stamps, or no frame in the interval.
    """
    base, stamps = _shown(path)
    if not base:
        raise VideoError(f"Expected a video with time stamps, got {path} without; give frames.")
    # rounded down to the time base, as ComfyUI's own reader does
    first = int(Fraction(start_seconds) / base)
    last = int((Fraction(start_seconds) + Fraction(seconds)) / base)
    start = sum(stamp < first for stamp in stamps)
    end = sum(stamp < last for stamp in stamps) if seconds else len(stamps)
    if end <= start:
        raise VideoError(
            f"Expected frames from {start_seconds:g} s on in {path}, got none; check the trim."
        )
    return start, end


def count_frames(path: Path) -> int:
    """Return the number of frames of a video file or folder of images; 1 for a still image.

    Raises:
        VideoError: it cannot be read.
    """
    if path.is_dir():
        return len(list_images(path))
    return 1 if is_still(path) else len(_shown(path)[1])


def _shown(path: Path) -> tuple[Fraction | None, list[int]]:
    """Return the time base, and the sorted time stamps of all packets that are shown."""
    with open_media(path) as container:
        stream = video_stream(container, path)
        codec = stream.codec_context.codec.canonical_name
        # packets before an edit's start are decoded and not shown
        stamps = sorted(
            p.pts
            for p in container.demux(stream)
            if p.pts is not None and not p.is_discard and not is_hidden(p, codec)
        )
        return stream.time_base, stamps
