"""Choose codec and pixel format, and encode one video stream into one new file."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.codec.codec import UnknownCodecError
from av.container import OutputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from ..errors import VideoError
from .carrier import choose_carrier, is_exact
from .hdr import StaticHdr
from .layout import Family, Layout, known_layout, layout_of
from .native import copy_colours
from .presets import CONTAINERS, ENCODERS, PRORES_PROFILES, ContainerPreset, EncoderPreset

_log = logging.getLogger(__name__)
_SLICED_PX = 32
"""Shorter side from which on FFV1 cuts any picture into slices; it fails at some smaller sizes."""


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """Codec and pixel format of a stream, decided before it is opened."""

    family: str
    """Codec family, a key of `ENCODERS`."""
    layout: Layout
    """Pixel format of the encoder."""
    options: dict[str, str]
    """Options of the encoder."""


@dataclass(frozen=True, kw_only=True)
class SourceStream:
    """Properties that the output shares with the source's video stream."""

    family: str | None = None
    """Codec family; None for images."""
    profile: str | None = None
    """Codec profile in the decoder's words."""
    rate: Fraction
    """Average frame rate."""
    time_base: Fraction
    """Unit of the time stamps in seconds."""
    aspect: Fraction | None = None
    """Sample aspect ratio."""
    matrix: tuple[int, ...] | None = None
    """Display matrix."""
    disposition: Disposition = Disposition.default
    """Marks of the stream: default, original language and the like."""
    metadata: dict[str, str] = field(default_factory=dict)
    """Tags of the stream."""
    hdr: StaticHdr | None = None
    """HDR10 metadata of its frames."""
    own_tags: bool = False
    """Its file has tags that MP4 and MOV hold only as keys of their own (cameras of Apple)."""


def container_preset(target: Path) -> ContainerPreset:
    """Return the container for a file by its suffix.

    Raises:
        VideoError: no container has that suffix.
    """
    preset = CONTAINERS.get(target.suffix.lower())
    if preset is None:
        raise VideoError(
            f"Expected a file ending in {', '.join(CONTAINERS)}, got {target.name}; rename it."
        )
    return preset


def choose_encoding(
    container: ContainerPreset,
    source: SourceStream,
    layout: Layout,
    size: tuple[int, int],
    *,
    quality: int,
    lossless: bool,
) -> Encoding:
    """Decide codec and pixel format.

    Args:
        container: of the output.
        source: the source's stream.
        layout: native layout of the source.
        size: stored (height, width).
        quality: 0 (best) to 51.
        lossless: FFV1 in the native format.

    Returns:
        The decision; differences from the source are logged.

    Raises:
        VideoError: no encoder takes the picture.
    """
    family = "ffv1" if lossless else _family(container, source.family)
    preset = ENCODERS[family]
    wanted = layout
    if not lossless and layout.family is not Family.YUV and family != source.family:
        # Few players show RGB or grey H.264.
        wanted = known_layout("yuva420p" if layout.alpha else "yuv420p")
    formats = _formats(preset)
    if preset.side_alpha and not container.side_alpha:
        formats = [name for name in formats if (f := layout_of(name)) is None or f.alpha is None]
    chosen = choose_carrier(wanted, formats, size=size, even=preset.even)
    if chosen.shifts != wanted.shifts and preset.even and (size[0] % 2 or size[1] % 2):
        _log.info(
            "%s takes no odd size in %s; %dx%d is written as %s.",
            preset.encoder,
            wanted.name,
            size[1],
            size[0],
            chosen.name,
        )
    elif not is_exact(layout, chosen):
        _log.warning("Pixel format %s is written as %s.", layout.name, chosen.name)
    options = preset.quality_options(quality)
    if family == "ffv1" and min(size) < _SLICED_PX:
        options["slices"] = "1"
    if source.hdr is not None and family == "hevc":
        options["x265-params"] += ":" + source.hdr.x265_params()
    elif source.hdr is not None:
        _log.warning(
            "The HDR10 metadata (mastering display, light levels) is lost with %s; write HEVC, or "
            "set it afterwards.",
            family,
        )
    profile = PRORES_PROFILES.get((source.profile or "").lower())
    if family == "prores" and profile is not None:
        options["profile"] = profile
    return Encoding(family=family, layout=chosen, options=options)


def _family(container: ContainerPreset, family: str | None) -> str:
    usable = [name for name in container.families if _formats(ENCODERS[name])]
    if not usable:
        raise VideoError(
            f"Expected an encoder for {container.muxer}, got none in this build of PyAV; install "
            "another build."
        )
    if family is None or family in usable:
        return family or usable[0]
    _log.warning(
        "Codec %s cannot be written as %s; %s is used.", family, container.muxer, usable[0]
    )
    return usable[0]


def _formats(preset: EncoderPreset) -> list[str]:
    try:
        formats = av.Codec(preset.encoder, "w").video_formats or []
    except UnknownCodecError:
        return []
    return [f.name for f in formats if f.name not in preset.excluded]


class Encoder:
    """One encoded video stream in one new file."""

    def __init__(
        self,
        path: Path,
        container: ContainerPreset,
        encoding: Encoding,
        source: SourceStream,
        first: av.VideoFrame,
    ) -> None:
        """Open the file; the header is written with the first packet.

        Args:
            path: file to write.
            container: its preset.
            encoding: codec and pixel format.
            source: what to copy from the source.
            first: first frame in the encoder's format; gives size and colour tags.
        """
        options = dict(container.options)
        if source.own_tags and "movflags" in options:
            options["movflags"] += "+use_metadata_tags"
        if container.exact_clock:
            # Edit lists count in the movie's time scale, a millisecond by default: too coarse.
            options["movie_timescale"] = str(source.time_base.denominator)
            if source.time_base.numerator == 1:
                options["video_track_timescale"] = str(source.time_base.denominator)
        # absolute: "part 1: intro.mp4" would name a protocol
        name = str(path.absolute())
        self.container = av.open(name, "w", format=container.muxer, container_options=options)
        self._time_base = source.time_base
        self._last_pts: int | None = None
        try:
            self._stream = _add_stream(self.container, encoding, source, first)
        except BaseException:
            self.close()
            raise

    def add(self, picture: av.VideoFrame, time: Fraction, duration: Fraction) -> bool:
        """Encode one picture.

        Args:
            picture: in the encoder's pixel format; gets its time stamp here.
            time: seconds; rounded to the time base, which is exact for times of the source.
            duration: seconds.

        Returns:
            False where the time does not follow the previous one and was moved behind it.
        """
        pts = round(time / self._time_base)
        follows = self._last_pts is None or pts > self._last_pts
        if self._last_pts is not None and not follows:
            pts = self._last_pts + 1
        self._last_pts = pts
        picture.pts, picture.time_base = pts, self._time_base
        picture.duration = round(duration / self._time_base)
        self.container.mux(self._stream.encode(picture))
        return follows

    def finish(self) -> None:
        """Encode the frames that the encoder holds back, and write the end of the file."""
        self.container.mux(self._stream.encode(None))
        self.container.close()

    def close(self) -> None:
        """Close the file, finished or not."""
        try:
            self.container.close()
        except (OSError, ValueError) as error:
            _log.debug("Closing an unfinished file: %s", error)


def _add_stream(
    output: OutputContainer, encoding: Encoding, source: SourceStream, first: av.VideoFrame
) -> VideoStream:
    preset = ENCODERS[encoding.family]
    added = output.add_stream(preset.encoder, rate=source.rate, options=encoding.options)
    stream = cast(VideoStream, added)  # the stubs know the kind of a few encoders only
    context = stream.codec_context
    context.width, context.height = first.width, first.height
    context.pix_fmt = encoding.layout.name
    context.time_base = source.time_base
    copy_colours(first, context)
    if source.aspect:
        context.sample_aspect_ratio = source.aspect
        lossy = not preset.holds_aspect and output.format.name in ("matroska", "webm")
        if source.aspect != 1 and lossy:
            # The muxer takes it from a field of the stream that PyAV 18 cannot set.
            _log.warning(
                "The pixel aspect ratio %s is lost with %s in this container; set it afterwards "
                "(mkvpropedit).",
                source.aspect,
                encoding.family,
            )
    if encoding.family == "hevc" and output.format.name in ("mp4", "mov"):
        # Apple players require this tag.
        context.codec_tag = "hvc1"
    if source.matrix is not None:
        stream.set_display_matrix(source.matrix)
    stream.disposition = source.disposition
    stream.metadata.update(source.metadata)
    return stream
