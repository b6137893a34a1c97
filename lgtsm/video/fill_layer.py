"""Results beside the film: the fill as a layer with alpha, the used mask, plain clips."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import OptionError, ShapeError, VideoError
from .colour import Colour, Matrix, Range
from .encode import Encoding, SourceStream, add_video, known, open_output
from .frame import Frame
from .image import image_kind, save_image
from .layout import Layout, samples
from .media import DEFAULT_RATE
from .partial import PartialFile, PartialFolder, write_errors
from .paste import paste_samples
from .presets import CONTAINERS, ENCODERS

_EDGE_PX = 8
"""Straight alpha needs colour beyond the hole's edge, so that scaling draws in no black."""


class _ClipWriter:
    """Encode pictures of one kind into a file, or into a folder of PNG images."""

    def __init__(
        self, target: Path, *, family: str, layout: Layout, image: Layout, options: dict[str, str]
    ) -> None:
        self.target = Path(target)
        self._family, self._layout, self._image = family, layout, image
        self._options = options
        self._is_folder = self.target.is_dir() or not self.target.suffix
        container = CONTAINERS.get(self.target.suffix.lower())
        if not self._is_folder and (container is None or family not in container.families):
            fitting = [s for s, c in CONTAINERS.items() if family in c.families]
            raise VideoError(
                f"Expected a folder or a file ending in {' or '.join(fitting)}, got "
                f"{self.target.name}; rename it."
            )
        self._container = container
        self._partial = (PartialFolder if self._is_folder else PartialFile)(self.target)
        self._output = self._stream = None
        self._last = -1
        self._num_frames = 0

    def add(
        self, build: Callable[[Layout], av.VideoFrame], frame_time: Fraction, source: SourceStream
    ) -> None:
        """Encode what `build` makes for the layout of this writer, at a time in seconds."""
        with write_errors(self.target):
            if self._is_folder:
                name = f"{self._num_frames:06d}.png"
                save_image(build(self._image), self._partial.path / name, image_kind(".png"))
            else:
                self._encode(build(self._layout), frame_time, source)
        self._num_frames += 1

    def _encode(self, picture: av.VideoFrame, time: Fraction, source: SourceStream) -> None:
        if self._output is None:
            encoding = Encoding(family=self._family, layout=self._layout, options=self._options)
            self._source = source
            self._output = open_output(self._partial.path, self._container, source)
            self._stream = add_video(self._output, encoding, source, picture)
        self._last = max(round(time / self._source.time_base), self._last + 1)
        picture.pts, picture.time_base = self._last, self._source.time_base
        picture.duration = round(1 / self._source.rate / self._source.time_base)
        self._output.mux(self._stream.encode(picture))

    def close(self) -> None:
        """Finish and give the file or folder its name.

        Raises:
            VideoError: nothing was written, or it cannot be finished.
        """
        try:
            if not self._num_frames:
                raise VideoError(
                    f"Expected at least one frame for {self.target}, got none; check the range."
                )
            with write_errors(self.target):
                if self._output is not None:
                    self._output.mux(self._stream.encode(None))
                    self._output.close()
            self._partial.commit()
        finally:
            self.abort()

    def abort(self) -> None:
        """Remove everything written so far; harmless after `close`."""
        if self._output is not None:
            with contextlib.suppress(OSError, ValueError):
                self._output.close()
            self._output = None
        self._partial.discard()

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


def _source(frame: Frame, rate: Fraction) -> SourceStream:
    return SourceStream(rate=rate, time_base=frame.native.time_base or 1 / rate)


class FillLayerWriter(_ClipWriter):
    """Write the fill alone, with the hole as straight alpha, for compositing programs.

    A .mov becomes ProRes 4444 (10-bit colour, 16-bit alpha), a folder 8-bit RGBA PNG. Pictures are
    upright, so the layer lies on the source as players show it.
    """

    def __init__(self, target: Path, *, rate: Fraction = DEFAULT_RATE) -> None:
        """Check the path.

        Args:
            target: .mov file or folder.
            rate: average frames per second of the source (`VideoInfo.rate`).

        Raises:
            VideoError: the target cannot be written.
        """
        options = dict(ENCODERS["prores"].options, profile="4444", alpha_bits="16")
        super().__init__(
            target,
            family="prores",
            layout=known("yuva444p10le"),
            image=known("rgba"),
            options=options,
        )
        self._rate = Fraction(rate)

    def write(self, frame: Frame, pixels: Tensor, hole: Tensor) -> None:
        """Write one frame of the layer.

        Args:
            frame: the source frame; gives time and colour tags.
            pixels: filled picture (3,H,W) float in [0,1], display orientation.
            hole: (1,H,W) in [0,1], the layer's alpha.
        """
        near = F.max_pool2d(hole[None].float().cpu(), 2 * _EDGE_PX + 1, 1, _EDGE_PX)[0] > 0
        rgb = torch.where(near, pixels.detach().cpu().float(), 0.0)

        def build(layout: Layout) -> av.VideoFrame:
            picture = _picture(rgb, layout, frame)
            opacity = hole[0].detach().cpu().float().clamp(0, 1) * layout.top
            samples(picture, layout, layout.alpha)[:] = opacity.round().numpy().astype(layout.dtype)
            return picture

        self.add(build, frame.time, _source(frame, self._rate))

    def __enter__(self) -> FillLayerWriter:
        return self


def _picture(rgb: Tensor, layout: Layout, frame: Frame | None) -> av.VideoFrame:
    """Make a frame of a layout from RGB (3,H,W), in the colours of a source frame."""
    height, width = rgb.shape[-2:]
    picture = av.VideoFrame(width, height, layout.name)
    for plane in picture.planes:
        np.frombuffer(plane, np.uint8)[:] = 0
    matrix = Matrix.BT709
    if frame is not None:
        matrix = frame.colour.matrix
        picture.color_primaries = frame.native.color_primaries
        picture.color_trc = frame.native.color_trc
    picture.colorspace = _NUMBERS[matrix]
    picture.color_range = Range.LIMITED
    everywhere = torch.ones(height, width, dtype=torch.bool)
    paste_samples(picture, rgb, everywhere, Colour(matrix, full=False))
    return picture


_NUMBERS = {
    Matrix.BT709: 1,
    Matrix.BT601: 6,
    Matrix.BT2020: 9,
    Matrix.SMPTE240M: 7,
    Matrix.FCC: 4,
}


class MaskWriter(_ClipWriter):
    """Write the mask that was used: grey FFV1 in Matroska, or a folder of grey PNG."""

    def __init__(self, target: Path, *, rate: Fraction = DEFAULT_RATE) -> None:
        """Check the path.

        Args:
            target: .mkv file or folder.
            rate: average frames per second of the source.

        Raises:
            VideoError: the target cannot be written.
        """
        super().__init__(
            target,
            family="ffv1",
            layout=known("gray"),
            image=known("gray"),
            options=ENCODERS["ffv1"].quality_options(0),
        )
        self._rate = Fraction(rate)

    def write(self, frame: Frame, hole: Tensor) -> None:
        """Write one mask, upright.

        Args:
            frame: the source frame; gives the time.
            hole: (1,H,W) in [0,1], 1 = hole, written as 255.
        """

        def build(layout: Layout) -> av.VideoFrame:
            values = (hole[0].detach().cpu().float().clamp(0, 1) * layout.top).round()
            picture = av.VideoFrame(values.shape[1], values.shape[0], layout.name)
            samples(picture, layout, layout.colours[0])[:] = values.numpy().astype(layout.dtype)
            picture.color_range = Range.FULL
            return picture

        self.add(build, frame.time, _source(frame, self._rate))

    def __enter__(self) -> MaskWriter:
        return self


def write_clip(target: Path, frames: Tensor, *, rate: Fraction, crf: int = 16) -> None:
    """Write a tensor as an H.264 file, for demonstrations and tests.

    Args:
        target: .mp4, .mov or .mkv file.
        frames: (T,3,H,W) float in [0,1], T at least 1.
        rate: frames per second.
        crf: constant quality of x264 (0 to 51).

    Raises:
        ShapeError: the tensor is no clip.
        OptionError: the quality is out of range.
        VideoError: the file cannot be written.
    """
    if frames.ndim != 4 or frames.shape[1] != 3 or not len(frames):
        raise ShapeError(
            f"Expected frames (T,3,H,W) with T >= 1, got {tuple(frames.shape)}; stack the frames."
        )
    if not 0 <= crf <= 51:
        raise OptionError(f"Expected crf between 0 and 51, got {crf}; choose 16 for high quality.")
    odd = frames.shape[-1] % 2 or frames.shape[-2] % 2
    layout = known("yuv444p" if odd else "yuv420p")
    options = ENCODERS["h264"].quality_options(crf)
    source = SourceStream(rate=Fraction(rate), time_base=1 / Fraction(rate))
    writer = _ClipWriter(
        target, family="h264", layout=layout, image=known("rgb24"), options=options
    )
    try:
        for number, rgb in enumerate(frames):
            pixels = rgb.detach().cpu().float()
            writer.add(lambda to, p=pixels: _picture(p, to, None), number / source.rate, source)
        writer.close()
    finally:
        writer.abort()
