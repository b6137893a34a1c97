"""Clips in one fixed format: a writer for single pictures, and one for a whole tensor."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import torch
from torch import Tensor

from ..errors import OptionError, ShapeError, VideoError
from .colour import Colour, Matrix, Range, matrix_number
from .encode import Encoder, Encoding, SourceStream
from .frame import Frame
from .image import image_kind, save_image
from .layout import Layout, known_layout
from .native import blank_frame
from .output import Output, is_folder_name, write_errors
from .paste import paste_samples
from .presets import CONTAINERS, ENCODERS

_PNG = image_kind(".png")


class ClipWriter(Output):
    """Encode pictures of one kind into a file, or into a folder of PNG images."""

    def __init__(self, target: Path, *, encoding: Encoding, image: str, rate: Fraction) -> None:
        """Check the path; the encoder opens with the first picture.

        Args:
            target: file of a container that holds the codec, or folder.
            encoding: codec and pixel format of a file.
            image: pixel format of the images of a folder.
            rate: average frames per second.

        Raises:
            VideoError: the target cannot be written.
        """
        target = Path(target)
        folder = is_folder_name(target)
        self._container = None if folder else CONTAINERS.get(target.suffix.lower())
        fitting = [s for s, c in CONTAINERS.items() if encoding.family in c.families]
        if not folder and target.suffix.lower() not in fitting:
            raise VideoError(
                f"Expected a folder or a file ending in {' or '.join(fitting)}, got "
                f"{target.name}; rename it."
            )
        super().__init__(target, folder=folder)
        self._encoding, self._image = encoding, known_layout(image)
        self._rate = Fraction(rate)
        self._encoder: Encoder | None = None

    def add(
        self,
        build: Callable[[Layout], av.VideoFrame],
        time: Fraction,
        time_base: Fraction | None = None,
    ) -> None:
        """Encode one picture.

        Args:
            build: makes the picture in the pixel format it is given.
            time: seconds; negative times become 0.
            time_base: unit of the file's time stamps in seconds, taken from the first picture;
                None is one frame.

        Raises:
            VideoError: the picture cannot be written.
        """
        with write_errors(self.target):
            if self._container is None:
                name = f"{self._num_frames:06d}.png"
                save_image(build(self._image), self._whole.path / name, _PNG)
            else:
                picture = build(self._encoding.layout)
                if self._encoder is None:
                    source = SourceStream(rate=self._rate, time_base=time_base or 1 / self._rate)
                    self._encoder = Encoder(
                        self._whole.path, self._container, self._encoding, source, picture
                    )
                    self._open.callback(self._encoder.close)
                self._encoder.add(picture, max(time, Fraction(0)), 1 / self._rate)
        self._num_frames += 1

    def _finish(self) -> None:
        if self._encoder is not None:
            self._encoder.finish()


def rgb_frame(rgb: Tensor, layout: Layout, like: Frame | None = None) -> av.VideoFrame:
    """Convert RGB into a frame of a pixel format.

    Args:
        rgb: (3,H,W) float32 in [0,1].
        layout: pixel format to make; YUV is limited range.
        like: frame to copy colour tags from; None tags BT.709.

    Returns:
        The frame; alpha is 0.
    """
    height, width = rgb.shape[-2:]
    picture = blank_frame(width, height, layout.name)
    matrix = Matrix.BT709
    if like is not None:
        matrix = like.colour.matrix
        picture.color_primaries = like.native.color_primaries
        picture.color_trc = like.native.color_trc
    picture.colorspace = matrix_number(matrix)
    picture.color_range = Range.LIMITED
    everywhere = torch.ones(height, width, dtype=torch.bool)
    paste_samples(picture, rgb, everywhere, Colour(matrix, full=False))
    return picture


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
    encoding = Encoding(
        family="h264",
        layout=known_layout("yuv444p" if odd else "yuv420p"),
        options=ENCODERS["h264"].quality_options(crf),
    )
    with ClipWriter(target, encoding=encoding, image="rgb24", rate=rate) as writer:
        for number, rgb in enumerate(frames):
            pixels = rgb.detach().cpu().float()
            writer.add(lambda layout, p=pixels: rgb_frame(p, layout), number / Fraction(rate))
