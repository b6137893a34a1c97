"""The decoder of a file's picture: ffmpeg's choice, or another one that does not lose opacity."""

from __future__ import annotations

import logging
from pathlib import Path
from types import MappingProxyType

from av.codec.codec import UnknownCodecError
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from .media import video_codec

_log = logging.getLogger(__name__)

# WebM keeps opacity as a second stream beside the first, which ffmpeg's own decoders pass over.
_WITH_ALPHA = MappingProxyType({"vp8": "libvpx", "vp9": "libvpx-vp9"})
# What the container says of the colours reaches frames only through the decoder.
_COLOURS = ("color_range", "colorspace", "color_trc", "color_primaries")


def decoder_of(stream: VideoStream, path: Path) -> VideoCodecContext:
    """Choose the decoder for a stream; its `decode` takes the packets of that stream.

    Args:
        stream: video stream of an open file.
        path: its file, for the message.

    Returns:
        The stream's own decoder, or for a transparent WebM one that gives frames with alpha. Where
        this build of PyAV has none, the loss is logged.
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
    for name in _COLOURS:
        setattr(decoder, name, getattr(own, name))
    return decoder
