"""Cover pictures of films, which are one packet and belong to no time."""

from __future__ import annotations

import logging
from pathlib import Path

from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition, Stream

from .media import open_media

_log = logging.getLogger(__name__)
_KINDS = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png"), "bmp": ("bmp", "image/bmp")}
"""ffmpeg's codec to suffix and MIME type."""


def is_cover(stream: Stream) -> bool:
    """Tell whether a stream of an open file is a cover picture."""
    return bool(stream.disposition & Disposition.attached_pic)


def add_covers(container: InputContainer, output: OutputContainer, source: Path) -> None:
    """Copy the cover pictures of a film as the output holds them, or log that it does not.

    Args:
        container: the film, open.
        output: all its other streams are added; where there is a cover the header is written.
        source: the file that is open.
    """
    covers = []
    for stream in filter(is_cover, container.streams):
        suffix, kind = _KINDS.get(stream.codec_context.codec.canonical_name, ("", ""))
        packet = _packet(source, stream.index)
        if kind and packet and output.format.name == "matroska":
            name = stream.metadata.get("filename", f"cover.{suffix}")
            output.add_attachment(name, kind, bytes(packet))
        elif kind and packet and output.format.name == "mp4":
            new = output.add_stream_from_template(stream)
            new.disposition = Disposition.attached_pic
            packet.stream, packet.pts, packet.dts = new, 0, 0
            covers.append(packet)
        else:
            _log.warning(
                "The cover picture of %s is not copied: %s cannot hold it.",
                source,
                output.format.name,
            )
    for packet in covers:
        output.mux_one(packet)


def _packet(source: Path, index: int) -> Packet | None:
    with open_media(source) as container:
        try:
            return next((p for p in container.demux(container.streams[index]) if p.size), None)
        except FFmpegError:
            return None
