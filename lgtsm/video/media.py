"""Opening media files so that every failure is one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Literal, cast

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from ..errors import VideoError

DEFAULT_RATE = Fraction(24)
"""Frames per second of image folders and of files that do not say."""


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open a media file for reading and close it for certain.

    Args:
        path: file of any kind ffmpeg reads.

    Yields:
        The open container.

    Raises:
        VideoError: the file is missing, empty or no media file.
    """
    if not path.is_file():
        raise VideoError(f"Expected a media file, got {path}, which is no file; check the path.")
    try:
        if path.stat().st_size == 0:
            raise VideoError(f"Expected a media file, got the empty file {path}; copy it again.")
        # A plain open file: names are never taken for patterns or protocols ("take%03d.png").
        with path.open("rb") as file, av.open(file, "r", metadata_errors="replace") as container:
            yield container
    except (FFmpegError, OSError) as error:
        raise VideoError(
            f"Expected a media file that can be read, got {path} ({_reason(error)}); "
            "check that it is whole and plays."
        ) from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """Choose the moving picture of a file.

    Args:
        container: open container.
        path: its file, for the message.

    Returns:
        The first video stream that is no cover picture.

    Raises:
        VideoError: there is none.
    """
    streams = [s for s in container.streams.video if s.codec_context is not None]
    moving = [s for s in streams if not s.disposition & Disposition.attached_pic]
    if not moving:
        raise VideoError(
            f"Expected a file with a video stream, got {path} without; check the file."
        )
    return moving[0]


def video_codec(name: str, mode: Literal["r", "w"]) -> VideoCodecContext:
    """Create a decoder or encoder of pictures.

    Args:
        name: codec in ffmpeg's words.
        mode: "r" to decode, "w" to encode.

    Raises:
        UnknownCodecError: this build of PyAV has none of that name.
    """
    # the stubs know the kind of a few names only
    return cast(VideoCodecContext, av.CodecContext.create(name, mode))


def stream_rate(stream: VideoStream) -> Fraction:
    """Give the average frame rate of a stream.

    Args:
        stream: video stream of an open file.

    Returns:
        Frames per second; 24 where the file does not say.
    """
    return stream.average_rate or stream.guessed_rate or DEFAULT_RATE


def promised_packets(stream: VideoStream) -> int:
    """Give the number of packets that a freshly opened file says it has.

    Args:
        stream: video stream of an open file, nothing read yet.

    Returns:
        Entries of the index where there is one beside the header's number, which counts frames
        that were dropped (AVI) or that an edit list passes over (MP4, MOV); 0 without a header's
        number.
    """
    # An index alone may hold key frames only (Matroska).
    return stream.frames and (len(stream.index_entries) or stream.frames)


def promised_frames(stream: VideoStream) -> int:
    """Give the same number without the packets that are decoded and not shown (edit lists)."""
    hidden = sum(entry.is_discard for entry in stream.index_entries)
    return promised_packets(stream) - hidden if stream.frames else 0


def is_hidden(packet: av.Packet, codec: str) -> bool:
    """Tell whether a packet gives no frame of its own.

    Args:
        packet: packet of a video stream.
        codec: the stream's codec in ffmpeg's words.

    Returns:
        True for packets of VP8 whose header says that the picture only serves to predict others
        (show_frame, RFC 6386, 9.1); other codecs keep such pictures in the packets of shown ones.
    """
    return codec == "vp8" and packet.size > 0 and not memoryview(packet)[0] & 0x10
