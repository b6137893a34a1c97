"""Animated GIF: for showing a result, not for keeping it (256 colours a frame, no sound)."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph
from torch import Tensor

from ..errors import VideoError
from .carrier import convert
from .frame import Frame
from .layout import known_layout
from .output import Output, write_errors
from .paste import paste

_log = logging.getLogger(__name__)
_TICK = Fraction(1, 100)
"""Unit of the format's times, in seconds."""


class GifWriter(Output):
    """Write frames as a GIF that repeats for ever, each with a palette of its own, in constant memory."""

    def __init__(self, target: Path, source: Path, *, lossless: bool = False) -> None:
        """Check the path; the encoder opens with the first frame.

        Raises:
            VideoError: the target is the source, cannot be written, or should be lossless.
        """
        if lossless:
            raise VideoError(
                f"Expected a file ending in .mkv for lossless video, got {target.name}; rename it."
            )
        super().__init__(target, folder=False, source=source)
        self._palette: Graph | None = None
        self._start = Fraction(0)

    def write(self, frame: Frame, pixels: Tensor, hole: Tensor) -> None:
        """Write one frame; pixels (3,H,W) and hole (1,H,W) as for `VideoWriter.write`.

        Raises:
            ShapeError: the sizes do not fit; VideoError: the frame cannot be written.
        """
        with write_errors(self.target):
            picture = convert(paste(frame, pixels, hole), known_layout("rgb24"), frame.orientation)
            if self._palette is None:
                self._open_file(picture, frame)
            picture.pts = round((frame.time - self._start) / _TICK)
            picture.time_base = _TICK
            assert self._palette is not None
            self._palette.vpush(picture)
            self._encode(self._palette.vpull())
        self._num_frames += 1

    def _open_file(self, picture: av.VideoFrame, frame: Frame) -> None:
        _log.warning("%s shows 256 colours a frame and has no sound.", self.target)
        self._start = frame.time
        graph = Graph()
        source = graph.add_buffer(
            width=picture.width, height=picture.height, format=picture.format, time_base=_TICK
        )
        split, sink = graph.add("split"), graph.add("buffersink")
        palette = graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
        use = graph.add("paletteuse", "new=1:dither=sierra2_4a")
        source.link_to(split)
        split.link_to(use, 0, 0)
        split.link_to(palette, 1, 0)
        palette.link_to(use, 0, 1)
        use.link_to(sink)
        graph.configure()
        self._palette = graph
        self._file = av.open(str(self._whole.path), "w", format="gif", options={"loop": "0"})
        self._open.callback(self._file.close)
        self._stream = self._file.add_stream("gif", rate=Fraction(1) / _TICK)
        self._stream.width, self._stream.height = picture.width, picture.height
        self._stream.pix_fmt, self._stream.time_base = "pal8", _TICK

    def _encode(self, frame: av.VideoFrame | None) -> None:
        self._file.mux(self._stream.encode(frame))

    def _finish(self) -> None:
        self._encode(None)
        self._file.close()
