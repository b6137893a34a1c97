"""Frames of a file, a folder or a still image, in order, with their exact times."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TypeAlias

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream
from torch import Tensor

from ..errors import VideoError
from .clock import Clock, read_stretches
from .damage import Evidence
from .formats import check_size
from .frame import Frame, exceeds_range, make_frame
from .image import is_still, load_image
from .mask_folder import absent_note, list_masks, with_absent
from .mask_values import mask_values
from .media import (
    DEFAULT_RATE,
    decoder_of,
    is_hidden,
    open_media,
    stream_rate,
    video_stream,
)
from .native import is_native

_log = logging.getLogger(__name__)


_Decoded: TypeAlias = tuple[av.VideoFrame, Fraction, int]
"""A decoder's frame before it is converted, its time in seconds, and its number."""


def read_frames(
    path: Path,
    *,
    start: int = 0,
    end: int | None = None,
    rate: Fraction = DEFAULT_RATE,
    strict: bool = False,
) -> Iterator[Frame]:
    """Read frames in display order.

    A damaged or truncated file yields the frames that can be decoded, and logs one warning.

    Args:
        path: video file, folder of images or one still image.
        start: first frame (0 or more).
        end: frame after the last one; None reads to the end.
        rate: frames per second of a folder (files carry their own times).
        strict: damage is an error, at the latest behind the last frame.

    Returns:
        Frames; `Frame.rgb` gives their pixels. Time is the file's own time stamp, without a late
        start and jumps (`clock`); only files without time stamps are timed by number and rate.

    Raises:
        VideoError: nothing can be read, the range is empty, or the size changes on the way.
    """
    return _warn_of_range(_read(Path(path), start, end, rate, strict), path)


def _warn_of_range(frames: Iterator[Frame], path: Path) -> Iterator[Frame]:
    warned = False
    for frame in frames:
        if not warned and exceeds_range(frame.native):
            warned = True
            _log.warning(
                "%s has values outside 0 to 1; they are clamped for the fill and kept outside the "
                "hole.",
                path,
            )
        yield frame


def read_masks(
    path: Path,
    *,
    start: int = 0,
    end: int | None = None,
    strict: bool = False,
    frames_of: Path | None = None,
    absent: float = 0.0,
    tell: Callable[[str], object] | None = None,
) -> Iterator[Tensor]:
    """Read masks: the brightness of a still image, a folder or a video.

    Label images, drawings in colours and pictures with transparency are understood too
    (`mask_values`).

    Args:
        path: still image (one mask, whatever the range), folder or video file.
        start: first frame of a folder or video.
        end: frame after the last one; None reads to the end.
        strict: as in `read_frames`.
        frames_of: source of the frames; in a folder with gaps, masks have the frames' numbers.
        absent: value of the mask of a frame that has none in such a folder.
        tell: told once, in a sentence, of any reading but by brightness, and of frames without a mask;
            None logs a warning.

    Returns:
        Masks (1,H,W) float32 in [0,1], upright; black and white of the source's own range are
        exactly 0 and 1.

    Raises:
        VideoError: nothing can be read, the range is empty, the size changes on the way, or it is an
            opaque picture in colour.
    """
    path, still = Path(path), is_still(Path(path))
    if still:
        start, end = 0, None
    elif path.is_dir() and frames_of is not None:
        files = list_masks(path, frames_of)
        if note := absent_note(files):
            (tell or _log.warning)(note)
            _check_range(start, end)
            [spare, *_] = filter(None, files)
            return with_absent(files[start:end], spare, partial(_read_masks, path, tell), absent)
    frames = _read(path, start, end, DEFAULT_RATE, strict, frames_of)
    return mask_values(frames, path, is_still=still, tell=tell)


def _read_masks(
    path: Path, tell: Callable[[str], object] | None, files: list[Path]
) -> Iterator[Tensor]:
    """Read some masks (1,H,W) of a folder."""
    frames = _convert(_decode_images(files, 0, None, DEFAULT_RATE), path, 0)
    return mask_values(frames, path, is_still=False, tell=tell)


def _read(
    path: Path,
    start: int,
    end: int | None,
    rate: Fraction,
    strict: bool,
    frames_of: Path | None = None,
) -> Iterator[Frame]:
    """Check path and range at once, then decode lazily."""
    if not path.exists():
        raise VideoError(f"Expected a video, an image or a folder, got {path}; check the path.")
    _check_range(start, end)
    if path.is_dir() or is_still(path):
        files = [file for file in list_masks(path, frames_of) if file is not None]
        decoded = _decode_images(files, start, end, Fraction(rate))
    else:
        decoded = _decode_file(path, start, end, strict)
    return _convert(decoded, path, start)


def _check_range(start: int, end: int | None) -> None:
    if start < 0 or (end is not None and end <= start):
        raise VideoError(
            f"Expected a range with 0 <= start < end, got {start} to {end}; count frames from 0."
        )


def _convert(decoded: Iterator[_Decoded], path: Path, start: int) -> Iterator[Frame]:
    """Convert to formats of ours; raise if there is no frame or the size changes."""
    size = None
    for frame, time, number in decoded:
        if size is None:
            size = (frame.width, frame.height)
            if not is_native(frame.format.name):
                _log.warning(
                    "%s has pixel format %s, which is read by conversion and is not exact.",
                    path,
                    frame.format.name,
                )
        check_size(path, number, size, (frame.width, frame.height))
        yield make_frame(frame, time=time, index=number)
    if size is None:
        raise VideoError(
            f"Expected frames from number {start} on, got none from {path}; check file and range."
        )


def _decode_images(
    files: list[Path], start: int, end: int | None, rate: Fraction
) -> Iterator[_Decoded]:
    for index, file in islice(enumerate(files), start, end):
        frame = load_image(file)
        # the decoder's own clock is that of a single picture
        frame.pts, frame.time_base = index, 1 / rate
        yield frame, index / rate, index


def _decode_file(path: Path, start: int, end: int | None, strict: bool) -> Iterator[_Decoded]:
    plan = _plan_seek(path, start) if start else None
    if plan:
        seek, stamp = plan
        frames = _decode_from(path, seek, strict)
        first = next((f for f in frames if f.pts is None or f.pts >= stamp), None)
        if first is not None and first.pts == stamp:
            yield from _number(chain([first], frames), start, start, end, path)
            return
        _log.debug("Seeking in %s missed frame %d; all frames are decoded.", path, start)
    yield from _number(_decode_from(path, None, strict), 0, start, end, path)


def _number(
    frames: Iterator[av.VideoFrame], number: int, start: int, end: int | None, path: Path
) -> Iterator[_Decoded]:
    """Number and time the frames, and select those from start to end."""
    rate, clock = None, Clock(read_stretches(path), number)
    for index, frame in enumerate(frames, number):
        if end is not None and index >= end:
            return
        if frame.pts is not None and frame.time_base:
            time = clock(frame.pts * frame.time_base)
        else:
            if rate is None:
                with open_media(path) as container:
                    rate = stream_rate(video_stream(container, path))
                _log.warning("%s has frames without time stamps; they are timed by rate.", path)
            time = index / rate
        if index >= start:
            yield frame, time, index


def _decode_from(path: Path, seek: int | None, strict: bool) -> Iterator[av.VideoFrame]:
    """Decode to the end, over damage, which is logged once or, if `strict`, an error."""
    with open_media(path) as container:
        stream = video_stream(container, path)
        evidence = Evidence(container, stream)
        reason = None
        try:
            for frame in _decode_all(container, stream, path, seek, evidence):
                if strict and evidence.error:
                    break
                yield frame
            reason = evidence.reason(whole=seek is None)
        finally:  # also where the caller needs no more frames
            reason = reason or evidence.error
            if reason is not None and not strict:
                _log.warning(
                    "%s is damaged or cut off (%s); %d frames were decoded.",
                    path,
                    reason,
                    evidence.num_frames,
                )
        if reason is not None and strict:
            raise VideoError(
                f"Expected an undamaged file, got {path} ({reason}, {evidence.num_frames} frames "
                "decoded); copy it again or leave out strict."
            )


def _decode_all(
    container: InputContainer,
    stream: VideoStream,
    path: Path,
    seek: int | None,
    evidence: Evidence,
) -> Iterator[av.VideoFrame]:
    decoder = decoder_of(stream, path)
    if seek is not None:
        container.seek(seek, stream=stream)
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError as error:
            # Nothing can be read from here on, but the decoder still holds frames.
            evidence.add_error(error.strerror or str(error))
            packet = None
        try:
            frames = decoder.decode(packet if packet is not None and packet.size else None)
        except EOFError:
            frames = []
        except FFmpegError as error:
            evidence.add_error(error.strerror or str(error))
            frames = []
        for frame in frames:
            # Frames that the decoder returns when it is flushed have no time base.
            frame.time_base = frame.time_base or stream.time_base
            evidence.add_frame(frame)
            yield frame
        if packet is None or not packet.size:
            return
        evidence.add_packet(packet)


def _plan_seek(path: Path, start: int) -> tuple[int, int] | None:
    """Find the key frame before a frame number by reading packets without decoding them.

    Returns:
        Where to seek, and the first frame's time stamp, in the stream's time base; None where
        packets do not determine frame numbers with certainty.
    """
    times: list[int] = []
    last = None
    keys: list[tuple[int, int]] = []
    try:
        with open_media(path) as container:
            stream = video_stream(container, path)
            codec = stream.codec_context.codec.canonical_name
            for packet in container.demux(stream):
                if not packet.size or is_hidden(packet, codec):
                    continue
                if packet.pts is None or packet.is_corrupt or packet.is_discard:
                    return None
                if last is not None and packet.dts is not None and packet.dts < last:
                    return None  # the clock jumps back
                last = packet.dts
                times.append(packet.pts)
                if packet.is_keyframe:
                    keys.append((packet.pts, packet.dts if packet.dts is not None else packet.pts))
    except VideoError:
        return None
    # Frames shown before the first key frame may or may not decode, so numbers are uncertain.
    if not keys or keys[0][0] != min(times) or keys[0][0] != times[0]:
        return None
    times.sort()
    if len(set(times)) != len(times) or start >= len(times):
        return None
    first = times[start]
    keys.sort()
    pts, dts = keys[bisect_right(keys, first, key=lambda k: k[0]) - 1]
    # Some demuxers seek by decoding time: the earlier of both never overshoots the key frame.
    return (min(pts, dts), first) if pts > times[0] else None
