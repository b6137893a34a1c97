"""Describe a file, folder or still image, count its frames, and find those of a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.format import Flags
from av.video.stream import VideoStream

from ..errors import VideoError
from .clock import Clock, read_stretches
from .colour import UNTAGGED
from .folder import list_images
from .image import is_still, load_image, num_pictures
from .mask_folder import list_masks
from .media import (
    DEFAULT_RATE,
    decoder_of,
    open_media,
    promised_frames,
    stream_rate,
    video_stream,
)
from .orientation import orientation_of
from .stamps import shown_stamps


@dataclass(frozen=True, kw_only=True)
class ColourTags:
    """Colour tags of the file by the numbers of H.273; 2 is untagged."""

    matrix: int = UNTAGGED
    """Matrix coefficients."""
    primaries: int = UNTAGGED
    """Colour primaries."""
    transfer: int = UNTAGGED
    """Transfer characteristics."""
    range: int = 0
    """0 untagged, 1 limited, 2 full."""


@dataclass(frozen=True, kw_only=True)
class VideoInfo:
    """A short description of a source."""

    width: int
    """Columns in display orientation."""
    height: int
    """Rows in display orientation."""
    num_frames: int
    """Number of frames, which count from 0; 0 if unknown."""
    num_frames_exact: bool
    """Whether that number is certain; one from duration and rate is not."""
    rate: Fraction
    """Average frames per second."""
    duration: Fraction
    """Seconds; 0 if unknown."""
    codec: str
    """Codec in ffmpeg's words; the suffix of images."""
    pixel_format: str
    """Pixel format in ffmpeg's words."""
    bit_depth: int
    """Bits per sample (8 to 16, 32 for floating point)."""
    rotation: int
    """Counter-clockwise rotation for display in degrees (0, 90, 180, 270)."""
    colour: ColourTags
    """Matrix, primaries, transfer and range in the numbers of H.273."""
    aspect: Fraction
    """Pixel aspect ratio, width over height; 1 is square."""
    has_audio: bool
    """The file has sound."""
    has_alpha: bool
    """Frames have an alpha channel."""
    is_folder: bool
    """The source is a folder of images."""
    is_still: bool
    """The source is one still image."""


def probe(path: Path, *, rate: Fraction = DEFAULT_RATE) -> VideoInfo:
    """Describe a source; its first frame is decoded.

    Args:
        path: video file, folder of images or one still image.
        rate: frames per second of a folder.

    Raises:
        VideoError: nothing can be read.
    """
    path = Path(path)
    if path.is_dir() or (is_still(path) and path.exists()):
        files = list_images(path) if path.is_dir() else [path]
        codec = files[0].suffix.lower()[1:]
        info = _describe(load_image(files[0]), codec, len(files), Fraction(rate))
        return replace(info, is_folder=path.is_dir(), is_still=not path.is_dir())
    with open_media(path) as container:
        stream = video_stream(container, path)
        average = stream_rate(stream)
        duration = Fraction(0)
        if container.format.flags & Flags.ts_discont.value:
            # the file may be joined: ffmpeg subtracts its first time stamp from its last one
            end = read_stretches(path)[-1]
            duration = end.end - end.shift
        elif stream.duration and stream.time_base:
            duration = stream.duration * stream.time_base
        elif container.duration:
            duration = Fraction(container.duration, av.time_base)
        promised = promised_frames(stream)
        codec = stream.codec_context.codec.canonical_name
        num_frames = promised or round(duration * average)
        if codec == "apng" and not num_frames:
            num_frames = num_pictures(path)
        frame = _first_frame(container, stream, path)
        return replace(
            _describe(frame, codec, num_frames, average),
            num_frames_exact=promised == stream.frames > 0,
            duration=duration,
            aspect=stream.sample_aspect_ratio or Fraction(1),
            has_audio=bool(container.streams.audio),
        )


def _first_frame(container: InputContainer, stream: VideoStream, path: Path) -> av.VideoFrame:
    decoder = decoder_of(stream, path)
    for packet in container.demux(stream):
        try:
            frames = decoder.decode(packet if packet.size else None)
        except FFmpegError:
            continue  # damage at the beginning: take the first frame that decodes
        if frames:
            return frames[0]
    raise VideoError(f"Expected a video with frames, got {path} without; check the file.")


def _describe(frame: av.VideoFrame, codec: str, num_frames: int, rate: Fraction) -> VideoInfo:
    """Describe a silent sequence of square pixels by its first frame."""
    orientation = orientation_of(frame)
    height, width = frame.height, frame.width
    if orientation.swap:
        height, width = width, height
    components = frame.format.components
    return VideoInfo(
        width=width,
        height=height,
        pixel_format=frame.format.name,
        bit_depth=max((c.bits for c in components), default=8),
        rotation=orientation.degrees,
        colour=ColourTags(
            matrix=int(frame.colorspace),
            primaries=int(frame.color_primaries),
            transfer=int(frame.color_trc),
            range=int(frame.color_range),
        ),
        aspect=Fraction(1),
        has_alpha=any(c.is_alpha for c in components),
        num_frames=num_frames,
        num_frames_exact=True,
        rate=rate,
        duration=num_frames / rate,
        codec=codec,
        has_audio=False,
        is_folder=False,
        is_still=False,
    )


def frame_span(path: Path, start_seconds: float, seconds: float) -> tuple[int, int]:
    """Find the frames of an interval of time by their own time stamps.

    Args:
        path: video file.
        start_seconds: from the beginning of the film, 0 or more.
        seconds: length; 0 extends to the end.

    Returns:
        First frame, and the frame after the last one.

    Raises:
        VideoError: not a video, without time stamps, or no frame in the interval.
    """
    base, stamps = shown_stamps(path)
    if not stamps:
        raise VideoError(f"Expected a video with time stamps, got {path} without; give frames.")
    clock = Clock(read_stretches(path))
    times = [clock(stamp * base) for stamp in stamps]
    # rounded down to the time base, as ComfyUI's own reader does
    first = Fraction(start_seconds) // base * base
    last = Fraction(start_seconds + Fraction(seconds)) // base * base
    start = sum(time < first for time in times)
    end = sum(time < last for time in times) if seconds else len(times)
    if end <= start:
        raise VideoError(
            f"Expected frames from {start_seconds:g} s on in {path}, got none; check the trim."
        )
    return start, end


def count_frames(path: Path, frames_of: Path | None = None) -> int:
    """Return the number of frames of a video file or folder of images; 1 for a still image.

    Args:
        path: what is counted.
        frames_of: source of the frames where masks are counted, as in `read_masks`.

    Raises:
        VideoError: it cannot be read.
    """
    if path.is_dir():
        return len(list_masks(path, frames_of))
    return 1 if is_still(path) else len(shown_stamps(path)[1])
