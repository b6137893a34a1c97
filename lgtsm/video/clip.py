"""Clips in one fixed format: masks, the fill alone as a layer with alpha, and whole tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import chain, repeat
from pathlib import Path

import av
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import OptionError, ShapeError, VideoError
from .carrier import write_alpha
from .colour import Colour, Matrix, Range, matrix_number
from .encode import Encoder, Encoding, SourceStream
from .frame import Frame
from .image import image_kind, save_image
from .layout import Family, Layout, known_layout, samples
from .media import DEFAULT_RATE
from .native import blank_frame
from .output import Output, is_folder_name, write_errors
from .paste import paste_samples
from .presets import CONTAINERS, ENCODERS

_PNG = image_kind(".png")
_SHOWN_CRF = 4
"""Quality of masks in H.264: the best that is not lossless, which many players refuse."""
_PICTURE_CRF = 16
_WIDEST_PX = 3840
"""Hardware decoders of H.264 end at 4096 pixels."""
_EDGE_PX = 8
"""Straight alpha needs colour beyond the hole's edge, so that scaling draws in no black."""


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

    def allow_odd(self, height: int, width: int) -> None:
        """Store chroma at full size where the first picture has an odd one, which 4:2:0 cannot hold."""
        if (
            self._encoder is None
            and any(self._encoding.layout.shifts)
            and (height % 2 or width % 2)
        ):
            self._encoding = replace(self._encoding, layout=known_layout("yuv444p"))

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


class FillLayerWriter(ClipWriter):
    """Write the fill alone, with the hole as straight alpha.

    A .mov becomes ProRes 4444 (10-bit colour, 16-bit alpha), a folder 8-bit RGBA PNG. Pictures are
    upright, so the layer covers the source as players show it.
    """

    def __init__(self, target: Path, *, rate: Fraction = DEFAULT_RATE) -> None:
        """Check the path (.mov file or folder); `rate` is that of the source (`VideoInfo.rate`).

        Raises:
            VideoError: the target cannot be written.
        """
        options = dict(ENCODERS["prores"].options, profile="4444", alpha_bits="16")
        encoding = Encoding(family="prores", layout=known_layout("yuva444p10le"), options=options)
        super().__init__(target, encoding=encoding, image="rgba", rate=rate)

    def write(self, frame: Frame, pixels: Tensor, hole: Tensor) -> None:
        """Write one frame of the layer.

        Args:
            frame: the source frame; gives time and colour tags.
            pixels: filled picture (3,H,W) float in [0,1], display orientation.
            hole: (1,H,W) in [0,1], the layer's alpha.

        Raises:
            VideoError: the frame cannot be written.
        """
        alpha = hole.detach().cpu().float()
        near = F.max_pool2d(alpha[None], 2 * _EDGE_PX + 1, 1, _EDGE_PX)[0] > 0
        rgb = torch.where(near, pixels.detach().cpu().float(), 0.0)

        def build(layout: Layout) -> av.VideoFrame:
            picture = rgb_frame(rgb, layout, frame)
            write_alpha(picture, layout, alpha.clamp(0, 1))
            return picture

        self.add(build, frame.time, frame.native.time_base)


class MaskWriter(ClipWriter):
    """Write masks one by one; read back from a .mkv or a folder, they are exact to 8 bits.

    Other films are H.264 as players show it, whose holes keep their shape but for a grey level or two.
    """

    def __init__(self, target: Path, *, rate: Fraction = DEFAULT_RATE) -> None:
        """Check the path (film or folder); `rate` is that of the source (`VideoInfo.rate`).

        Raises:
            VideoError: the target cannot be written.
        """
        exact = Encoding(
            family="ffv1",
            layout=known_layout("gray"),
            options=ENCODERS["ffv1"].quality_options(0),
        )
        shown = Encoding(
            family="h264",
            layout=known_layout("yuv420p"),
            options=ENCODERS["h264"].quality_options(_SHOWN_CRF),
        )
        is_shown = Path(target).suffix.lower() in (".mp4", ".m4v", ".mov")
        encoding = shown if is_shown else exact
        super().__init__(target, encoding=encoding, image="gray", rate=rate)

    def write(self, hole: Tensor, *, time: Fraction, time_base: Fraction | None = None) -> None:
        """Write one mask.

        Args:
            hole: (1,H,W) in [0,1], 1 = hole, written as 255; display orientation.
            time: seconds.
            time_base: unit of the source's time stamps in seconds; None is one frame.

        Raises:
            VideoError: the mask cannot be written.
        """

        def build(layout: Layout) -> av.VideoFrame:
            if layout.family is Family.YUV:
                return rgb_frame(hole.detach().cpu().float().expand(3, -1, -1), layout)
            values = (hole[0].detach().cpu().float().clamp(0, 1) * layout.top).round()
            picture = av.VideoFrame(values.shape[1], values.shape[0], layout.name)
            samples(picture, layout, layout.colours[0])[:] = values.numpy().astype(layout.dtype)
            picture.color_range = Range.FULL
            return picture

        self.allow_odd(*hole.shape[-2:])
        self.add(build, time, time_base)


class PictureWriter(ClipWriter):
    """Write pictures to be looked at: a film in H.264, no wider than players take, or a folder of PNG."""

    def __init__(self, target: Path, *, rate: Fraction = DEFAULT_RATE) -> None:
        """Check the path (.mp4, .mov or .mkv file, or folder); `rate` is that of the source.

        Raises:
            VideoError: the target cannot be written.
        """
        options = ENCODERS["h264"].quality_options(_PICTURE_CRF)
        encoding = Encoding(family="h264", layout=known_layout("yuv420p"), options=options)
        super().__init__(target, encoding=encoding, image="rgb24", rate=rate)

    def write(self, rgb: Tensor, *, time: Fraction, time_base: Fraction | None = None) -> None:
        """Write one picture (3,H,W) in [0,1]; times as for `MaskWriter.write`.

        Raises:
            VideoError: the picture cannot be written.
        """
        height, width = rgb.shape[-2:]
        if self._container is not None and width > _WIDEST_PX:
            size = (round(height * _WIDEST_PX / width), _WIDEST_PX)
            rgb = F.interpolate(rgb[None], size, mode="area")[0]
        self.allow_odd(*rgb.shape[-2:])
        self.add(lambda layout: rgb_frame(rgb, layout), time, time_base)


def write_mask_clip(
    target: Path,
    masks: Iterable[Tensor],
    size: tuple[int, int],
    *,
    rate: Fraction,
    before: int = 0,
    after: int = 0,
) -> None:
    """Write masks, with empty ones around them where they belong to a part of a file.

    Args:
        target: film or folder; appears only once it is complete.
        masks: (1,H,W) in [0,1], 1 = hole.
        size: (height, width) of the empty masks.
        rate: frames per second.
        before: empty masks in front.
        after: empty masks behind.

    Raises:
        VideoError: it cannot be written.
    """
    empty = torch.zeros(1, *size)
    with MaskWriter(target, rate=rate) as writer:
        clip = chain(repeat(empty, before), masks, repeat(empty, after))
        for number, mask in enumerate(clip):
            writer.write(mask, time=number / rate)


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
