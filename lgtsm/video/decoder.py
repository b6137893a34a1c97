"""The decoder of a video stream: ffmpeg's default, or one that keeps opacity."""

from __future__ import annotations

import logging
from pathlib import Path
from types import MappingProxyType

from av.codec.codec import UnknownCodecError
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from .media import video_codec

_log = logging.getLogger(__name__)

# WebM stores opacity in a second stream, which ffmpeg's own decoders ignore.
_WITH_ALPHA = MappingProxyType({"vp8": "libvpx", "vp9": "libvpx-vp9"})
# Frames get the colour tags of the container only through the decoder.
_COLOURS = ("color_range", "colorspace", "color_trc", "color_primaries")


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
    for name in _COLOURS:
        setattr(decoder, name, getattr(own, name))
    return decoder
