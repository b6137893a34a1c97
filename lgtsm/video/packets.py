"""Copy sound, subtitles and data of a source into an output, packet by packet."""

from __future__ import annotations

import io
import logging
from collections.abc import Generator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.stream import Stream

from .media import open_media, stream_rate, video_stream
from .timecode import has_timecode, moved_tags

_log = logging.getLogger(__name__)

# The muxer writes these for the new file (alpha_mode by its encoder).
_NOT_COPIED = frozenset(
    {"major_brand", "minor_version", "compatible_brands", "encoder", "ENCODER", "alpha_mode"}
)
# Statistics that Matroska stores with each stream describe the old one.
_STATISTICS = ("BPS", "DURATION", "NUMBER_OF", "_STATISTICS")


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
        *,
        start: int,
        first: Fraction | None,
        whole: bool,
    ) -> None:
        """Open the source a second time and add its streams to the output.

        Args:
            source: video file.
            output: container whose header is not written yet; gets tags and chapters too.
            start: number of the first frame; timecodes advance by it.
            first: seconds at which the range begins; earlier packets are dropped and all times
                move back by it. None keeps all packets and times.
            whole: the output extends to the end of the source, so chapters are copied.
        """
        self._output, self._first = output, first
        self._stack = ExitStack()
        container = self._stack.enter_context(open_media(source))
        self._start, self._rate = start, stream_rate(video_stream(container, source))
        output.metadata.update(self._tags(container.metadata))
        if whole and first is None and (chapters := container.chapters()):
            output.set_chapters(chapters)
        self._streams = self._add_streams(container, source)
        self._packets = self._read(container)
        self._waiting: av.Packet | None = None

    def _tags(self, tags: dict[str, str]) -> dict[str, str]:
        return moved_tags(copied_tags(tags), self._start, self._rate)

    def _add_streams(self, container: InputContainer, source: Path) -> dict[int, Stream]:
        picture = video_stream(container, source).index
        streams = {}
        for stream in container.streams:
            if stream.index == picture or _is_timecode(stream):
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
        """Write the packets before a time in seconds on the source's clock, None for all."""
        while True:
            packet = self._waiting or next(self._packets, None)
            self._waiting = None
            if packet is None:
                return
            time = _time(packet)
            # Packets of other streams behind this one may be earlier; they follow with the next call.
            if end is not None and time is not None and time >= end:
                self._waiting = packet
                return
            self._write(packet, time)

    def _write(self, packet: av.Packet, time: Fraction | None) -> None:
        if self._first is not None:
            if time is None or time < self._first:
                return
            shift = round(self._first / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
        packet.stream = self._streams[packet.stream_index]
        self._output.mux_one(packet)

    def close(self) -> None:
        """Close the source."""
        self._packets.close()
        self._waiting = None
        self._stack.close()


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
