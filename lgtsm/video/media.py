"""Open media files, with every failure as one sentence; facts and decoders of their streams."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast

import av
from av.codec.codec import UnknownCodecError
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from ..errors import VideoError
from .native import copy_colours

_log = logging.getLogger(__name__)

# WebM stores opacity in a second stream, which ffmpeg's own decoders ignore.
_WITH_ALPHA = MappingProxyType({"vp8": "libvpx", "vp9": "libvpx-vp9"})

DEFAULT_RATE = Fraction(24)
"""Frames per second of image folders and of files without a rate."""
_MOST_RATE = 1000

_OPEN_OTHERS = frozenset({"concat", "dash", "hls", "imf", "rtp", "rtsp", "sap", "sdp"})
"""Formats whose files name other files or addresses, which ffmpeg would open."""


@functools.cache
def _confined() -> dict[str, str]:
    """Return options under which ffmpeg reads nothing but the file it is given."""
    formats = av.formats_available - _OPEN_OTHERS
    return {"protocol_whitelist": "none", "format_whitelist": ",".join(sorted(formats))}


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open a media file of any kind that ffmpeg reads.

    Raises:
        VideoError: the file is missing, empty or no media file.
    """
    if not path.is_file():
        raise VideoError(f"Expected a media file, got {path}, which is no file; check the path.")
    try:
        if path.stat().st_size == 0:
            raise VideoError(f"Expected a media file, got the empty file {path}; copy it again.")
        # An open file, not its name: that could be a pattern or protocol ("take%03d.png").
        with (
            path.open("rb") as file,
            av.open(file, "r", metadata_errors="replace", options=_confined()) as container,
        ):
            yield container
    except (FFmpegError, OSError) as error:
        reason = error.strerror or type(error).__name__
        raise VideoError(
            f"Expected a media file that can be read, got {path} ({reason}); "
            "check that it is whole and plays."
        ) from error


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """Return the first video stream of an open file that is no cover picture.

    Raises:
        VideoError: there is none; the message names the path.
    """
    streams = [s for s in container.streams.video if s.codec_context is not None]
    moving = [s for s in streams if not s.disposition & Disposition.attached_pic]
    if not moving:
        raise VideoError(
            f"Expected a file with a video stream, got {path} without; check the file."
        )
    return moving[0]


def video_codec(name: str, mode: Literal["r", "w"]) -> VideoCodecContext:
    """Create the video decoder ("r") or encoder ("w") of a name in ffmpeg.

    Raises:
        UnknownCodecError: this build of PyAV has none of that name.
    """
    # the stubs know the kind of a few names only
    return cast(VideoCodecContext, av.CodecContext.create(name, mode))


def decoder_of(stream: VideoStream, path: Path) -> VideoCodecContext:
    """Return the decoder for the packets of a stream of an open file.

    That is the stream's own, or for a transparent WebM one that decodes alpha. Where this build of
    PyAV has none, the loss is logged with the path.
    """
    own = stream.codec_context
    own.thread_type = "AUTO"
    other = _WITH_ALPHA.get(own.codec.canonical_name)
    if other is None or stream.metadata.get("alpha_mode") != "1":
        return own
    try:
        decoder = video_codec(other, "r")
    except UnknownCodecError:
        _log.warning(
            "%s is transparent, which this build of PyAV cannot read without %s; it is read as "
            "opaque.",
            path,
            other,
        )
        return own
    decoder.extradata = own.extradata
    copy_colours(own, decoder)  # frames get the tags of the container only through the decoder
    return decoder


def stream_rate(stream: VideoStream) -> Fraction:
    """Return the average frames per second of a stream, 24 where the file has no possible rate.

    The average of raw streams (DV) may be their unit of time.
    """
    rates = (stream.average_rate, stream.guessed_rate, stream.base_rate)
    return next((rate for rate in rates if rate and rate <= _MOST_RATE), DEFAULT_RATE)


def promised_packets(stream: VideoStream) -> int:
    """Return the number of packets by the headers of a file of which nothing is read yet.

    That is the length of the index, where there is one: the header's own number counts frames that
    were dropped (AVI) or that an edit list skips (MP4, MOV). 0 if the header has no number.
    """
    # An index alone may hold key frames only (Matroska).
    return stream.frames and (len(stream.index_entries) or stream.frames)


def promised_frames(stream: VideoStream) -> int:
    """Return the same number without packets that are decoded but not shown (edit lists)."""
    hidden = sum(entry.is_discard for entry in stream.index_entries)
    return promised_packets(stream) - hidden if stream.frames else 0


def is_hidden(packet: av.Packet, codec: str) -> bool:
    """Tell whether a video packet of a codec (ffmpeg's name) yields no frame of its own.

    So do packets of VP8 whose picture only serves to predict others (show_frame, RFC 6386, 9.1);
    other codecs store such pictures in the packets of shown ones.
    """
    return codec == "vp8" and packet.size > 0 and not memoryview(packet)[0] & 0x10
