"""The clock of a film: from zero on, without the jumps of joined or interrupted recordings."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.format import Flags
from av.video.stream import VideoStream

from .media import is_hidden, open_media, stream_rate, video_stream

_LATE = 1
"""Seconds: a file that begins later (a recorder that was running) gets a zero of its own."""
_BACK, _GAP = Fraction(1, 2), 10
"""Seconds back or ahead that make a jump; ffmpeg's own threshold ahead is 10, too."""


def is_jump(last: Fraction | None, time: Fraction) -> bool:
    """Tell whether a time stamp does not follow the one before it (None at the beginning)."""
    return last is not None and not last - _BACK <= time <= last + _GAP


@dataclass(frozen=True)
class Stretch:
    """A part of a file without jumps."""

    first: int
    """Number of its first frame."""
    start: Fraction
    """Its first time stamp, in seconds on the file's clock."""
    end: Fraction
    """Where its last frame ends."""
    shift: Fraction
    """What must be taken from its time stamps."""

    def holds(self, time: Fraction) -> bool:
        """Tell whether a time stamp of any stream may belong here."""
        return self.start - _GAP <= time <= self.end + _GAP


class Clock:
    """Continuous times for the stamps of one stream, asked for in the file's order."""

    def __init__(self, stretches: list[Stretch], index: int = 0) -> None:
        """Begin in the stretch of frame number `index`."""
        self._stretches = stretches
        self._now = max(0, bisect_right(stretches, index, key=lambda s: s.first) - 1)
        self._last: Fraction | None = None

    def __call__(self, time: Fraction) -> Fraction:
        """Return seconds from zero on for a time stamp in seconds."""
        last, self._last = self._last, time
        if last is not None and is_jump(last, time):
            # a stream may pause, and go on in the same stretch
            later = range(self._now + (time < last), len(self._stretches))
            self._now = next((i for i in later if self._stretches[i].holds(time)), self._now)
        return time - self._stretches[self._now].shift


def read_stretches(path: Path) -> list[Stretch]:
    """Find the stretches of a video file by reading its packets, where its format allows jumps.

    Raises:
        VideoError: it cannot be read.
    """
    with open_media(path) as container:
        stream = video_stream(container, path)
        zero = _zero(container, stream)
        if not container.format.flags & Flags.ts_discont.value:
            return [Stretch(0, zero, zero, zero)]
        found: list[Stretch] = []
        first = number = 0
        start = end = last = None
        frame = 1 / stream_rate(stream)
        codec = stream.codec_context.codec.canonical_name

        def close() -> None:
            if start is not None and end is not None:
                shift = start - found[-1].end + found[-1].shift if found else zero
                found.append(Stretch(first, start, end, shift))

        for packet in container.demux(stream):
            if not packet.size or is_hidden(packet, codec):
                continue
            stamp = packet.dts if packet.dts is not None else packet.pts
            if stamp is not None:
                shown = (packet.pts if packet.pts is not None else stamp) * packet.time_base
                decoded = stamp * packet.time_base
                if is_jump(last, decoded):
                    close()
                    first, start, end = number, None, None
                last = decoded
                start = shown if start is None else min(start, shown)
                end = shown + frame if end is None else max(end, shown + frame)
            number += 1
        close()
        return found or [Stretch(0, zero, zero, zero)]


def _zero(container: InputContainer, stream: VideoStream) -> Fraction:
    """Return the time stamp that becomes zero, a multiple of the video's unit of time."""
    streams = [stream, *container.streams.audio]
    starts = [s.start_time * s.time_base for s in streams if s.start_time and s.time_base]
    unit = stream.time_base or Fraction(1, av.time_base)
    start = min(starts, default=Fraction(0))
    return math.floor(start / unit) * unit if start >= _LATE else Fraction(0)
