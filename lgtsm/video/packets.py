"""Copy sound, subtitles, data, tags and timecodes of a source into an output."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Generator
from contextlib import ExitStack, closing
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.stream import Stream

from .clock import Clock, read_stretches
from .covers import add_covers, is_cover
from .media import open_media, stream_rate, video_stream

if TYPE_CHECKING:
    from av.container.core import Chapter

_log = logging.getLogger(__name__)

# The muxer writes these for the new file (alpha_mode by its encoder).
_NOT_COPIED = frozenset(
    {"major_brand", "minor_version", "compatible_brands", "encoder", "ENCODER", "alpha_mode"}
)
OWN_TAGS = "com."
"""Begins names of tags in the form of a domain (com.apple.quicktime.make)."""
# Statistics that Matroska stores with each stream describe the old one.
_STATISTICS = ("BPS", "DURATION", "NUMBER_OF", "_STATISTICS")


_TIMECODE = re.compile(r"(\d\d?):(\d\d):(\d\d)([:;.])(\d\d\d?)")


def copied_tags(tags: dict[str, str]) -> dict[str, str]:
    """Return the tags of a container or stream without those that describe the old file itself."""
    return {
        key: value
        for key, value in tags.items()
        if key not in _NOT_COPIED and not key.upper().startswith(_STATISTICS)
    }


class PacketCopier:
    """Copy the packets of all streams but the video to an output, in step with the video."""

    def __init__(
        self,
        source: Path,
        output: OutputContainer,
        stack: ExitStack,
        *,
        start: int,
        first: Fraction | None,
        whole: bool,
    ) -> None:
        """Open the source a second time and add its streams to the output.

        Args:
            source: video file.
            output: container whose header is not written yet; gets tags and chapters too.
            stack: closes the source.
            start: number of the first frame; timecodes advance by it.
            first: seconds at which the range begins; earlier packets are dropped and all times
                move back by it. None keeps all packets and times.
            whole: the output extends to the end of the source, so chapters are copied.
        """
        self._output, self._first = output, first
        container = stack.enter_context(open_media(source))
        self._start, self._rate = start, stream_rate(video_stream(container, source))
        output.metadata.update(self._tags(container.metadata))
        self._stretches = read_stretches(source)
        if whole and first is None and (chapters := container.chapters()):
            output.set_chapters([_moved(chapter, self._stretches[0].shift) for chapter in chapters])
        self._streams = self._add_streams(container, source)
        add_covers(container, output, source)
        self._packets = stack.enter_context(closing(self._read(container)))
        self._waiting: tuple[av.Packet, Fraction | None] | None = None
        self._clocks = {index: Clock(self._stretches) for index in self._streams}
        self._last: dict[int, int] = {}

    def _tags(self, tags: dict[str, str]) -> dict[str, str]:
        return moved_tags(copied_tags(tags), self._start, self._rate)

    def _add_streams(self, container: InputContainer, source: Path) -> dict[int, Stream]:
        picture = video_stream(container, source).index
        streams = {}
        for stream in container.streams:
            if stream.index == picture or _is_timecode(stream) or is_cover(stream):
                continue
            what = f"{stream.type} stream {stream.index} of {source.name}"
            reason = _refusal(stream, self._output.format.name)
            if reason:
                _log.warning("The %s is not copied: %s.", what, reason)
                continue
            new = self._output.add_stream_from_template(stream)
            new.metadata.update(self._tags(stream.metadata))
            new.disposition = stream.disposition
            streams[stream.index] = new
        return streams

    def _read(self, container: InputContainer) -> Generator[av.Packet, None, None]:
        chosen = [container.streams[index] for index in self._streams]
        if not chosen:
            return
        try:
            for packet in container.demux(chosen):
                if packet.size:
                    yield packet
        except FFmpegError as error:
            _log.warning("Sound and subtitles end early, the source is damaged: %s.", error)

    def copy_until(self, end: Fraction | None) -> None:
        """Write the packets before a time in seconds on the film's clock, None for all."""
        while True:
            packet, time = self._waiting or self._next()
            self._waiting = None
            if packet is None:
                return
            # Packets of other streams behind this one may be earlier; they follow with the next call.
            if end is not None and time is not None and time >= end:
                self._waiting = packet, time
                return
            self._write(packet, time)

    def _next(self) -> tuple[av.Packet | None, Fraction | None]:
        """Return the next packet with its time on the film's clock."""
        packet = next(self._packets, None)
        stamp = None if packet is None else _time(packet)
        if packet is None or stamp is None:
            return packet, None
        return packet, self._clocks[packet.stream_index](stamp)

    def _write(self, packet: av.Packet, time: Fraction | None) -> None:
        if self._first is not None and (time is None or time < self._first):
            return
        stamp = _time(packet)
        if stamp is not None and time is not None:
            shift = round((stamp - time + (self._first or 0)) / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
        if packet.dts is not None:
            last = self._last.get(packet.stream_index)
            if len(self._stretches) > 1 and last is not None and packet.dts <= last:
                return  # sound of two joined recordings that overlaps
            self._last[packet.stream_index] = packet.dts
        packet.stream = self._streams[packet.stream_index]
        self._output.mux_one(packet)


def _moved(chapter: Chapter, shift: Fraction) -> Chapter:
    ticks = round(shift / (chapter["time_base"] or 1))
    return {**chapter, "start": chapter["start"] - ticks, "end": chapter["end"] - ticks}


def _time(packet: av.Packet) -> Fraction | None:
    stamp = packet.pts if packet.pts is not None else packet.dts
    return None if stamp is None else stamp * packet.time_base


def _is_timecode(stream: Stream) -> bool:
    """Recognise a timecode track, which muxers make from the same tag of the video stream.

    A copied track would fail when the file is finished. PyAV shows no codec tag of data streams,
    but the demuxer sets the timecode tag on no other data stream.
    """
    return stream.type == "data" and has_timecode(stream.metadata)


def _refusal(stream: Stream, muxer: str) -> str | None:
    """Try a stream alone in a container; return the reason if it is refused."""
    if stream.type == "video":
        return "only the first video stream is written"
    try:
        with av.open(io.BytesIO(), "w", format=muxer) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (FFmpegError, ValueError, OSError) as error:
        return f"{muxer} cannot hold it ({getattr(error, 'strerror', None) or error})"
    return None


def moved_tags(tags: dict[str, str], frames: int, rate: Fraction) -> dict[str, str]:
    """Advance a timecode among the tags of a container or stream.

    A timecode that cannot be advanced is dropped with a warning, since a wrong one would place the
    file wrongly in a cut.

    Args:
        tags: metadata of a container or stream.
        frames: number of frames to advance by, 0 or more.
        rate: average frames per second of the video.
    """
    moved = dict(tags)
    # Matroska writes tag names in upper case.
    for key in [key for key in tags if frames and key.lower() == "timecode"]:
        later = advance(tags[key], frames, rate)
        if later is None:
            _log.warning("The timecode %s is left out: it cannot be moved to the range.", tags[key])
            del moved[key]
        else:
            moved[key] = later
    return moved


def has_timecode(tags: dict[str, str]) -> bool:
    """Tell whether tags of a container or stream include a timecode."""
    return any(key.lower() == "timecode" for key in tags)


def advance(timecode: str, frames: int, rate: Fraction) -> str | None:
    """Advance a timecode.

    Drop-frame counts as in SMPTE ST 12-1: the first two numbers (four at 60 frames per second) of
    every minute but each tenth are skipped.

    Args:
        timecode: "01:00:00:00"; ";" or "." before the frame number means drop-frame.
        frames: number of frames to advance by, 0 or more.
        rate: frames per second; 30000/1001 counts as 30.

    Returns:
        The timecode in the same form, modulo 24 hours; None if the text is no timecode, or
        drop-frame at another rate than 30 or 60.
    """
    match = _TIMECODE.fullmatch(timecode.strip())
    second = round(rate)
    if match is None or second < 1:
        return None
    hours, minutes, seconds, mark, number = match.groups()
    minute = int(hours) * 60 + int(minutes)
    total = (minute * 60 + int(seconds)) * second + int(number)
    if mark == ":":
        total = (total + frames) % (86400 * second)
    else:
        if second not in (30, 60):
            return None
        skipped = second // 15
        total = total - skipped * (minute - minute // 10) + frames
        total = _with_gaps(total % (86400 * second - skipped * 1296), second, skipped)
    clock, number = divmod(total, second)
    width = len(match[5])
    return f"{clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02}{mark}{number:0{width}}"


def _with_gaps(count: int, second: int, skipped: int) -> int:
    """Convert a count of frames to a drop-frame number."""
    tens, rest = divmod(count, 600 * second - 9 * skipped)
    # The first minute of ten skips nothing.
    minutes = max(0, (rest - skipped) // (60 * second - skipped))
    return count + skipped * (9 * tens + minutes)
