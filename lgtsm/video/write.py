"""Write a video like its source, different only inside the hole."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from av.container import OutputContainer
from av.video.stream import VideoStream
from torch import Tensor

from ..errors import VideoError
from ..options import VideoOptions
from .carrier import convert
from .encode import (
    Encoding,
    SourceStream,
    add_video,
    choose_encoding,
    container_preset,
    open_output,
)
from .folder import FrameFolderWriter
from .frame import Frame
from .hdr import hdr_of
from .image import IMAGE_SUFFIXES
from .media import DEFAULT_RATE, open_media, stream_rate, video_stream
from .packets import PacketCopier, copied_tags
from .partial import PartialFile, write_errors
from .paste import paste
from .timecode import moved_tags

_log = logging.getLogger(__name__)


class VideoWriter:
    """Write frames with the source's times, tags, sound and subtitles.

    Use it in a `with` block: the file gets its name at the end, and an exception removes it.
    With `lossless`, every sample outside the hole is the source's (see `layout.hole_samples`);
    Matroska and WebM round times to milliseconds.
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
        self.target, self.source = Path(target), Path(source)
        self._options = options or VideoOptions()
        self._container = container_preset(self.target)
        if self._options.lossless and self.target.suffix.lower() != ".mkv":
            raise VideoError(
                f"Expected a file ending in .mkv for lossless video, got {self.target.name}; "
                "rename it."
            )
        if self.target.exists() and self.source.exists() and self.target.samefile(self.source):
            raise VideoError(
                f"Expected another file than the source, got {target} twice; choose a new name."
            )
        self._has_streams = self.source.is_file() and (
            self.source.suffix.lower() not in IMAGE_SUFFIXES
        )
        self._rate = Fraction(rate)
        self._partial = PartialFile(self.target)
        self._output: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._copier: PacketCopier | None = None
        self._last: Frame | None = None
        self._last_pts: int | None = None
        self._told_order = False

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
        with write_errors(self.target):
            if self._output is None:
                self._open(frame)
            picture = convert(native, self._encoding.layout)
            picture.pts, picture.time_base = self._stamp(frame), self._video.time_base
            picture.duration = round(self._duration(frame) / self._video.time_base)
            if self._copier is not None:
                self._copier.copy_until(frame.time)
            self._output.mux(self._stream.encode(picture))
        self._last = frame

    def _open(self, frame: Frame) -> None:
        """Open file, encoder and copied streams for the first frame."""
        self._video = self._source_stream(frame)
        cut = self._options.start > 0
        self._first = frame.time if cut else Fraction(0)
        size = (frame.native.height, frame.native.width)
        self._encoding: Encoding = choose_encoding(
            self._container,
            self._video,
            frame.layout,
            size,
            quality=self._options.quality,
            lossless=self._options.lossless,
        )
        self._output = open_output(self._partial.path, self._container, self._video)
        first = convert(frame.native, self._encoding.layout)
        self._stream = add_video(self._output, self._encoding, self._video, first)
        if frame.native.interlaced_frame:
            _log.warning("%s is interlaced; it is written as progressive frames.", self.source)
        if self._has_streams:
            self._copier = PacketCopier(
                self.source,
                self._output,
                start=self._options.start,
                first=self._first if cut else None,
                whole=self._options.end is None,
            )

    def _source_stream(self, frame: Frame) -> SourceStream:
        matrix = frame.orientation.matrix
        if not self._has_streams:
            return SourceStream(rate=self._rate, time_base=1 / self._rate, matrix=matrix)
        with open_media(self.source) as container:
            stream = video_stream(container, self.source)
            rate = stream_rate(stream)
            return SourceStream(
                family=stream.codec_context.codec.canonical_name,
                profile=stream.profile,
                rate=rate,
                time_base=frame.native.time_base or stream.time_base or 1 / rate,
                aspect=stream.sample_aspect_ratio,
                matrix=matrix,
                metadata=moved_tags(copied_tags(stream.metadata), self._options.start, rate),
                hdr=hdr_of(frame.native),
            )

    def _stamp(self, frame: Frame) -> int:
        """Give the frame's time stamp; exact, since the unit is the source's own."""
        pts = round((frame.time - self._first) / self._video.time_base)
        if self._last_pts is not None and pts <= self._last_pts:
            if not self._told_order:
                _log.warning(
                    "Frame %d and others do not follow in time; they are moved behind.", frame.index
                )
                self._told_order = True
            pts = self._last_pts + 1
        self._last_pts = pts
        return pts

    def _duration(self, frame: Frame) -> Fraction:
        if frame.native.duration and frame.native.time_base:
            return frame.native.duration * frame.native.time_base
        return 1 / self._video.rate

    def close(self) -> None:
        """Finish the file and give it its name.

        Raises:
            VideoError: no frame was written, or the file cannot be finished.
        """
        if self._last is None:
            self.abort()
            raise VideoError(
                f"Expected at least one frame for {self.target}, got none; check the range."
            )
        try:
            with write_errors(self.target):
                if self._copier is not None:
                    # Sound behind the last frame belongs to the film unless the range is cut.
                    cut = self._options.end is not None
                    end = self._last.time + self._duration(self._last) if cut else None
                    self._copier.copy_until(end)
                self._output.mux(self._stream.encode(None))
                self._output.close()
            self._partial.commit()
        finally:
            # Harmless after success: nothing is left to remove.
            self.abort()

    def abort(self) -> None:
        """Remove everything written so far."""
        if self._copier is not None:
            self._copier.close()
            self._copier = None
        if self._output is not None:
            try:
                self._output.close()
            except (OSError, ValueError) as error:
                _log.debug("Closing the unfinished %s: %s", self.target, error)
            self._output = None
        self._partial.discard()

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


def open_writer(
    target: Path,
    source: Path,
    *,
    options: VideoOptions | None = None,
    rate: Fraction = DEFAULT_RATE,
) -> VideoWriter | FrameFolderWriter:
    """Choose the writer for a target.

    Args:
        target: a video file by its suffix; a folder, or a name without suffix, for images.
        source: what the frames were read from.
        options: quality, lossless, and the range the frames were read with.
        rate: frames per second of a folder source.

    Returns:
        A writer to be used in a `with` block.

    Raises:
        VideoError: the target cannot be written.
    """
    target = Path(target)
    kind = FrameFolderWriter if target.is_dir() or not target.suffix else VideoWriter
    return kind(target, source, options=options, rate=rate)
