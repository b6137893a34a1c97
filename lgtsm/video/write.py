"""Write a video like its source, changed only inside the hole."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from torch import Tensor

from ..errors import VideoError
from ..options import VideoOptions
from .attached import attach, lost
from .carrier import convert, has_colour
from .colour import Colour, Matrix, colour_of
from .encode import Encoder, SourceStream, choose_encoding, container_preset
from .folder import FrameFolderWriter, list_images
from .formats import first_frames, holds, widest
from .frame import Frame
from .gif import GifWriter
from .hdr import hdr_of
from .image import is_still
from .image_extras import extras_of
from .layout import Family, Layout, known_layout
from .media import DEFAULT_RATE, open_media, stream_rate, video_stream
from .output import Output, is_folder_name, write_errors
from .packets import OWN_TAGS, PacketCopier, copied_tags, moved_tags
from .paste import paste
from .profiles import is_srgb, read_profile

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _OpenFile:
    """The open output, from the first frame on."""

    encoder: Encoder
    family: str
    """Codec family of the encoder."""
    layout: Layout
    """Pixel format of the encoder."""
    held: Layout
    """Holds the samples of all frames, as far as is known beforehand."""
    colour: Colour
    """Meaning of the encoder's samples, unless they are RGB."""
    zero: Fraction
    """Seconds on the source's clock at which the file begins."""
    copier: PacketCopier | None
    """None where the source has no other streams."""


class VideoWriter(Output):
    """Write frames with the source's times, tags, sound and subtitles.

    With `lossless`, every sample outside the hole equals the source's (see `paste`); Matroska and WebM
    round times to milliseconds.
    """

    def __init__(
        self,
        target: Path,
        source: Path,
        *,
        options: VideoOptions | None = None,
        rate: Fraction = DEFAULT_RATE,
    ) -> None:
        """Check the paths; the encoder opens with the first frame.

        Args:
            target: file to write; the suffix chooses the container.
            source: video file, folder or still image the frames were read from.
            options: quality, lossless, and the range the frames were read with.
            rate: frames per second of a folder, as given to `read_frames`.

        Raises:
            VideoError: the target is the source, cannot be written, or does not fit `lossless`.
        """
        target, self._source = Path(target), Path(source)
        self._options = options or VideoOptions()
        self._container = container_preset(target)
        if self._options.lossless and target.suffix.lower() != ".mkv":
            raise VideoError(
                f"Expected a file ending in .mkv for lossless video, got {target.name}; rename it."
            )
        super().__init__(target, folder=False, source=self._source)
        self._has_streams = self._source.is_file() and not is_still(self._source)
        self._rate = Fraction(rate)
        self._file: _OpenFile | None = None
        try:
            self._layouts = self._find_layouts()
        except BaseException:
            self._open.close()
            raise
        self._end = Fraction(0)
        """Seconds at which the last frame ends."""

    def write(self, frame: Frame, pixels: Tensor, hole: Tensor) -> None:
        """Write one frame; frames come in the order they were read.

        Args:
            frame: the source frame.
            pixels: filled picture (3,H,W) float in [0,1], display orientation.
            hole: (1,H,W), non-zero = replace.

        Raises:
            ShapeError: the sizes do not fit, or a filled pixel is not a number.
            VideoError: the file cannot be written.
        """
        native = paste(frame, pixels, hole)
        if frame.native.interlaced_frame:
            self._warn_once("%s is interlaced; it is written as progressive frames.", self._source)
        with write_errors(self.target):
            if self._file is None:
                self._file = self._open_file(frame)
            file = self._file
            duration = 1 / self._rate
            if frame.native.duration and frame.native.time_base:
                duration = frame.native.duration * frame.native.time_base
            if file.copier is not None:
                file.copier.copy_until(frame.time)
            self._check_held(frame, file)
            picture = convert(native, file.layout, colour=file.colour)
            for name in lost(frame.native, picture, file.family):
                self._warn_once(f"The new file cannot hold the {name} of %s.", self._source)
            picture = attach(frame.native, picture, file.family)
            follows = file.encoder.add(picture, frame.time - file.zero, duration)
        if not follows:
            self._warn_once(
                "Frame %d is not later than the one before; such frames are delayed.", frame.index
            )
        self._end = frame.time + duration
        self._num_frames += 1

    def _find_layouts(self) -> dict[Layout, int]:
        """Return the layouts that occur, each with its first frame, as far as headers tell."""
        formats = first_frames(self._source, self._options.start, self._options.end)
        layouts = {known_layout(name): number for name, number in formats.items()}
        if self._options.lossless:
            for layout, number in layouts.items():
                self._check_family(next(iter(layouts)), layout, number)
        return layouts

    def _check_family(self, first: Layout, layout: Layout, number: int) -> None:
        if {first.family, layout.family} == {Family.YUV, Family.RGB}:
            raise VideoError(
                f"Expected all frames of {self._source} as YUV or all as RGB for lossless video, got "
                f"{first.name} and, at frame {number}, {layout.name}; write a folder of images."
            )

    def _check_held(self, frame: Frame, file: _OpenFile) -> None:
        """Refuse a frame that the file would not hold; raises VideoError."""
        lossless, layout = self._options.lossless, frame.layout
        if not holds(file.held, layout):
            raise VideoError(
                f"Expected all frames of {self._source} in pixel format {file.held.name}, got "
                f"{layout.name} at frame {frame.index}; split the file there."
            )
        if lossless:
            self._check_family(file.held, layout, frame.index)
        if lossless and layout.family is Family.YUV and not has_colour(frame.native, file.colour):
            raise VideoError(
                f"Expected one colour matrix and range in {self._source} for lossless video, got "
                f"others from frame {frame.index} on; split the file there."
            )

    def _open_file(self, frame: Frame) -> _OpenFile:
        """Open file, encoder and copied streams for the first frame."""
        options, video = self._options, self._source_stream(frame)
        cut = options.start > 0
        if not self._has_streams:
            self._tell_what_is_lost()
        held = widest([frame.layout, *self._layouts])
        if len(self._layouts) > 1:
            _log.warning(
                "%s has frames in several pixel formats (%s); all are written in one.",
                self._source,
                ", ".join(f"{layout.name} from frame {n}" for layout, n in self._layouts.items()),
            )
        encoding = choose_encoding(
            self._container,
            video,
            held,
            (frame.native.height, frame.native.width),
            quality=options.quality,
            lossless=options.lossless,
        )
        families = {layout.family for layout in (held, frame.layout, *self._layouts)}
        colour = colour_of(frame.native, frame.layout)
        matrix_wanted = Family.RGB in families or Family.YUV not in families
        if encoding.layout.family is Family.YUV and matrix_wanted:
            colour = Colour(Matrix.BT709, full=False)  # on which all players agree
        first = convert(frame.native, encoding.layout, colour=colour)
        encoder = Encoder(self._whole.path, self._container, encoding, video, first)
        self._open.callback(encoder.close)
        copier = None
        if self._has_streams:
            copier = PacketCopier(
                self._source,
                encoder.container,
                self._open,
                start=options.start,
                first=frame.time if cut else None,
                whole=options.end is None,
            )
        return _OpenFile(
            encoder=encoder,
            family=encoding.family,
            layout=encoding.layout,
            held=held,
            colour=colour,
            zero=frame.time if cut else Fraction(0),
            copier=copier,
        )

    def _tell_what_is_lost(self) -> None:
        images = list_images(self._source) if self._source.is_dir() else [self._source]
        profile = read_profile(images[0])
        if profile is not None and not is_srgb(profile):
            _log.warning("A film cannot hold the colour profile of %s.", images[0])
        if extras := extras_of(images[0]):
            _log.warning("A film cannot hold what %s carries: %s.", images[0], ", ".join(extras))

    def _source_stream(self, frame: Frame) -> SourceStream:
        matrix = frame.orientation.matrix
        if not self._has_streams:
            return SourceStream(rate=self._rate, time_base=1 / self._rate, matrix=matrix)
        with open_media(self._source) as container:
            stream = video_stream(container, self._source)
            self._rate = rate = stream_rate(stream)
            return SourceStream(
                family=stream.codec_context.codec.canonical_name,
                profile=stream.profile,
                rate=rate,
                time_base=frame.native.time_base or stream.time_base or 1 / rate,
                aspect=stream.sample_aspect_ratio,
                matrix=matrix,
                disposition=stream.disposition,
                metadata=moved_tags(copied_tags(stream.metadata), self._options.start, rate),
                hdr=hdr_of(frame.native),
                own_tags=any(key.startswith(OWN_TAGS) for key in container.metadata),
            )

    def _finish(self) -> None:
        if self._file is None:
            return
        if self._file.copier is not None:
            # Sound behind the last frame belongs to the output unless the range is cut.
            self._file.copier.copy_until(None if self._options.end is None else self._end)
        self._file.encoder.finish()


def open_writer(
    target: Path,
    source: Path,
    *,
    options: VideoOptions | None = None,
    rate: Fraction = DEFAULT_RATE,
) -> VideoWriter | FrameFolderWriter | GifWriter:
    """Choose the writer for a target.

    A folder, or a name without suffix, is for images, which are always lossless; any other name is
    a video file, `.gif` an animation. The other arguments are those of `VideoWriter`.

    Returns:
        A writer to be used in a `with` block.

    Raises:
        VideoError: the target cannot be written.
    """
    target = Path(target)
    if is_folder_name(target):
        return FrameFolderWriter(target, source)
    if target.suffix.lower() == ".gif":
        return GifWriter(target, source, lossless=options is not None and options.lossless)
    return VideoWriter(target, source, options=options, rate=rate)
