"""Frames in formats of ours: conversion of foreign formats, copies, tags."""

from __future__ import annotations

import logging
from types import MappingProxyType

import av
from av.error import FFmpegError
from av.sidedata.sidedata import SideDataContainer

from ..errors import VideoError
from .layout import layout_of, plane_rows

_log = logging.getLogger(__name__)

# Other arrangements of samples that ours can hold without any change (checked by test).
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

# Floating point that ours hold unchanged: every half is a single, grey is three equal colours.
_SINGLES = MappingProxyType(
    {
        "gbrpf16le": "gbrpf32le",
        "gbrapf16le": "gbrapf32le",
        "grayf16le": "grayf32le",
        "yaf16le": "gbrapf32le",
        "yaf32le": "gbrapf32le",
    }
)


def is_native(name: str) -> bool:
    """Tell whether samples of a format can be read without loss.

    Args:
        name: pixel format in ffmpeg.

    Returns:
        False where `supported` has to convert them.
    """
    plain = name[:-2] + "le" if name.endswith("be") else name
    known = name in _SAME_SAMPLES or name in _SINGLES
    return known or layout_of(name) is not None or layout_of(plain) is not None


def supported(frame: av.VideoFrame) -> av.VideoFrame:
    """Give a frame in a format that `layout_of` knows.

    Args:
        frame: decoded frame.

    Returns:
        The frame itself, or its samples in another arrangement (10-bit semi-planar and the like,
        unchanged), or else the nearest format.

    Raises:
        VideoError: the format cannot be converted.
    """
    name = frame.format.name
    if layout_of(name) is not None:
        return frame
    if name in _SINGLES:
        return _as_singles(frame, _SINGLES[name])
    target = _SAME_SAMPLES.get(name)
    if target is None and name.endswith("be") and layout_of(name[:-2] + "le"):
        target = name[:-2] + "le"
    if target is None:
        bits = max((c.bits for c in frame.format.components), default=8)
        alpha = any(c.is_alpha for c in frame.format.components)
        if frame.format.is_rgb or frame.format.is_bayer or frame.format.has_palette:
            target = (
                ("rgba64le" if alpha else "rgb48le") if bits > 8 else "rgba" if alpha else "rgb24"
            )
        else:
            target = ("yuva444p" if alpha else "yuv444p") + ("16le" if bits > 8 else "")
        # For every frame; the reader warns once.
        _log.debug("Pixel format %s is read as %s, which is not exact.", name, target)
    try:
        converted = frame.reformat(format=target)
    except (FFmpegError, ValueError) as error:
        raise VideoError(
            f"Expected a pixel format that can be converted, got {name}; convert the file first."
        ) from error
    # swscale drops the tags of untagged formats only; colours stay those of the source.
    converted.colorspace = frame.colorspace
    converted.color_range = frame.color_range
    return converted


def _as_singles(frame: av.VideoFrame, target: str) -> av.VideoFrame:
    """Copy floating point samples by numpy; swscale clips what lies outside 0 to 1."""
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
    """Make a frame whose samples, padding and unused bytes (bgr0) are all 0.

    Lossless encoders keep padding, so it must not be random.

    Args:
        width: columns.
        height: rows.
        name: pixel format in ffmpeg.
    """
    frame = av.VideoFrame(width, height, name)
    for plane in frame.planes:
        plane_rows(plane)[:] = 0
    return frame


def side_data(frame: av.VideoFrame) -> SideDataContainer | None:
    """Return the metadata that a decoder attached to a frame.

    `frame.side_data` would be kept by the frame it refers to: a cycle that holds every frame of a
    film until the next full garbage collection, which may be thousands of frames away.

    Args:
        frame: a decoded frame.

    Returns:
        The metadata; None where PyAV cannot list it, because one entry (such as EXIF) has a type
        it has no name for.
    """
    try:
        return SideDataContainer(frame)  # pyright: ignore[reportCallIssue]  missing in the stubs
    except ValueError:
        return None


def clone(frame: av.VideoFrame) -> av.VideoFrame:
    """Copy a frame with its samples, times and tags.

    Decoders keep their frames as references for the next ones, so those must never be changed.

    Args:
        frame: any frame.

    Returns:
        A frame of its own memory.
    """
    copy = av.VideoFrame(frame.width, frame.height, frame.format.name)
    for old, new in zip(frame.planes, copy.planes, strict=True):
        source, target = plane_rows(old), plane_rows(new)
        shared = min(source.shape[1], target.shape[1])
        target[:, :shared] = source[:, :shared]
    copy_tags(frame, copy)
    return copy


def copy_tags(source: av.VideoFrame, target: av.VideoFrame) -> None:
    """Give one frame the times and colour tags of another.

    Args:
        source: frame to read.
        target: frame to change.
    """
    target.pts = source.pts
    if source.time_base:
        target.time_base = source.time_base
    target.duration = source.duration
    target.colorspace = source.colorspace
    target.color_range = source.color_range
    target.color_trc = source.color_trc
    target.color_primaries = source.color_primaries
