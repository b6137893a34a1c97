"""Native frames: conversion of foreign pixel formats, copies, tags."""

from __future__ import annotations

import logging
import re
from types import MappingProxyType
from typing import cast

import av
from av.error import FFmpegError
from av.filter import Graph
from av.sidedata.sidedata import SideDataContainer
from av.video.codeccontext import VideoCodecContext

from ..errors import VideoError
from .layout import layout_of, plane_rows

_log = logging.getLogger(__name__)

# Formats whose samples one of ours holds unchanged in another arrangement (a test checks it).
_SAME_SAMPLES = MappingProxyType(
    {
        "nv12": "yuv420p",
        "nv21": "yuv420p",
        "nv16": "yuv422p",
        "nv24": "yuv444p",
        "yuyv422": "yuv422p",
        "uyvy422": "yuv422p",
        "yvyu422": "yuv422p",
        "p010le": "yuv420p10le",
        "p210le": "yuv422p10le",
        "monob": "gray",
        "monow": "gray",
        "pal8": "rgba",
    }
)

# Floating-point formats that ours hold unchanged: float16 fits float32, grey is R = G = B.
_SINGLES = MappingProxyType(
    {
        "gbrpf16le": "gbrpf32le",
        "gbrapf16le": "gbrapf32le",
        "grayf16le": "grayf32le",
        "yaf16le": "gbrapf32le",
        "yaf32le": "gbrapf32le",
    }
)

_PNG_FORMATS = frozenset(
    {"pal8", "monob", "gray", "ya8", "rgb24", "rgba", "gray16be", "ya16be", "rgb48be", "rgba64be"}
)
"""Pixel formats of ffmpeg's PNG decoder."""


def is_native(name: str) -> bool:
    """Tell whether `supported` keeps all samples of a pixel format (ffmpeg's name)."""
    return layout_of(name) is not None or name in _SINGLES or _same_samples(name) is not None


def _same_samples(name: str) -> str | None:
    """Return the format of ours that holds the samples of another one in another arrangement."""
    little = name.removesuffix("be") + "le"
    return _SAME_SAMPLES.get(name) or (little if name[-2:] == "be" and layout_of(little) else None)


def supported_name(pixel_format: av.VideoFormat) -> str:
    """Return the format of ours in which `supported` gives frames of a pixel format."""
    name = pixel_format.name
    known = name if layout_of(name) is not None else _SINGLES.get(name) or _same_samples(name)
    if known is not None:
        return known
    bits = max((c.bits for c in pixel_format.components), default=8)
    alpha = any(c.is_alpha for c in pixel_format.components)
    if pixel_format.is_rgb or pixel_format.is_bayer or pixel_format.has_palette:
        return ("rgba64le" if alpha else "rgb48le") if bits > 8 else "rgba" if alpha else "rgb24"
    return ("yuva444p" if alpha else "yuv444p") + ("16le" if bits > 8 else "")


def supported(frame: av.VideoFrame) -> av.VideoFrame:
    """Return a decoded frame in a format that `layout_of` knows.

    That is the frame itself, or its samples unchanged in another arrangement (10-bit semi-planar
    and the like), or else a conversion to the nearest format.

    Raises:
        VideoError: the format cannot be converted.
    """
    name, target = frame.format.name, supported_name(frame.format)
    if target == name:
        return frame
    if name in _SINGLES:
        return _as_singles(frame, target)
    if not is_native(name):
        # At debug level, since it repeats for every frame; the reader warns once.
        _log.debug("Pixel format %s is read as %s, which is not exact.", name, target)
    try:
        converted = frame.reformat(format=target)
    except (FFmpegError, ValueError) as error:
        raise VideoError(
            f"Expected a pixel format that can be converted, got {name}; convert the file first."
        ) from error
    # The colours are still those of the source, whatever swscale has tagged.
    converted.colorspace, converted.color_range = frame.colorspace, frame.color_range
    return converted


def _as_singles(frame: av.VideoFrame, target: str) -> av.VideoFrame:
    """Copy floating-point samples with numpy; swscale would clip values outside 0 to 1."""
    name = frame.format.name
    dtype = "<f2" if "f16" in name else "<f4"
    result = av.VideoFrame(frame.width, frame.height, target)
    for number, plane in enumerate(result.planes):
        if name.startswith("ya"):
            rows = plane_rows(frame.planes[0], dtype)[:, int(number == 3) :: 2]
        else:
            rows = plane_rows(frame.planes[number], dtype)
        plane_rows(plane, "<f4")[:, : frame.width] = rows[:, : frame.width]
    copy_tags(frame, result)
    return result


def blank_frame(width: int, height: int, name: str) -> av.VideoFrame:
    """Make a frame of a pixel format with all bytes 0.

    Padding and unused bytes (bgr0) are part of what lossless encoders keep.
    """
    frame = av.VideoFrame(width, height, name)
    for plane in frame.planes:
        plane_rows(plane)[:] = 0
    return frame


def side_data(frame: av.VideoFrame) -> SideDataContainer:
    """Return the metadata that a decoder attached to a frame.

    `frame.side_data` would be cached on the frame it refers to: a cycle that keeps every frame of
    a film until the next full garbage collection, which may be thousands of frames away.
    """
    if frame.format.name in _PNG_FORMATS:
        # PyAV 18 frees the name of a PNG's colour profile, which the frame frees again: a crash.
        frame = without(frame, "ICC_PROFILE")
    try:
        return SideDataContainer(frame)  # pyright: ignore[reportCallIssue]  missing in the stubs
    except ValueError as error:
        unnamed = re.match(r"\d+", str(error))
        if unnamed is None:
            raise
        return side_data(without(frame, unnamed[0]))  # EXIF, for which PyAV 18 has no name


def without(frame: av.VideoFrame, kind: str) -> av.VideoFrame:
    """Return a frame of the same samples without attached metadata of one type.

    Args:
        frame: frame whose samples the new one shares.
        kind: ffmpeg's name or number of the type.
    """
    graph = Graph()
    size = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}"
    ends = graph.add("buffer", f"{size}:time_base=1/24"), graph.add("buffersink")
    graph.link_nodes(ends[0], graph.add("sidedata", f"mode=delete:type={kind}"), ends[1])
    graph.configure()
    graph.push(frame)
    return cast(av.VideoFrame, graph.pull())


def clone(frame: av.VideoFrame) -> av.VideoFrame:
    """Copy a frame with its samples, times and tags.

    Decoders predict later frames from those they have returned, so these must never be changed.
    """
    copy = av.VideoFrame(frame.width, frame.height, frame.format.name)
    for old, new in zip(frame.planes, copy.planes, strict=True):
        source, target = plane_rows(old), plane_rows(new)
        shared = min(source.shape[1], target.shape[1])
        target[:, :shared] = source[:, :shared]
    copy_tags(frame, copy)
    return copy


def copy_tags(source: av.VideoFrame, target: av.VideoFrame) -> None:
    """Copy times and colour tags of one frame to another."""
    target.pts = source.pts
    if source.time_base:
        target.time_base = source.time_base
    target.duration = source.duration
    copy_colours(source, target)


def copy_colours(
    source: av.VideoFrame | VideoCodecContext, target: av.VideoFrame | VideoCodecContext
) -> None:
    """Copy the colour tags of a frame, encoder or decoder to another."""
    for name in ("color_range", "colorspace", "color_trc", "color_primaries"):
        setattr(target, name, getattr(source, name))
