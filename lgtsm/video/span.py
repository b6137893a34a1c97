"""From seconds to frame numbers, without decoding."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from ..errors import VideoError
from .media import open_media, video_stream


def frame_span(path: Path, start_seconds: float, seconds: float) -> tuple[int, int | None]:
    """Find the frames of a stretch of time by their own time stamps.

    Args:
        path: video file.
        start_seconds: on the file's own clock, 0 or more.
        seconds: length; 0 is to the end.

    Returns:
        First frame, and the frame after the last one (None is the end of the file).

    Raises:
        VideoError: not a video, without time stamps, or no frame in the stretch.
    """
    with open_media(path) as container:
        stream = video_stream(container, path)
        base = stream.time_base
        # packets before an edit's start are decoded and not shown
        stamps = sorted(
            p.pts for p in container.demux(stream) if p.pts is not None and not p.is_discard
        )
    # whole units, as ComfyUI's own reader counts
    first = int(Fraction(start_seconds) / base)
    last = int((Fraction(start_seconds) + Fraction(seconds)) / base)
    start = sum(stamp < first for stamp in stamps)
    end = sum(stamp < last for stamp in stamps) if seconds else None
    if start >= len(stamps) or (end is not None and end <= start):
        raise VideoError(
            f"Expected frames from {start_seconds:g} s on in {path}, got none; check the trim."
        )
    return start, None if end is None or end >= len(stamps) else end
