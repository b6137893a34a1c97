"""Still images: as frames, and as tensors (plates)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import av
import numpy as np
import torch
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from torch import Tensor

from ..errors import VideoError
from ..whole_file import WholeFile
from .frame import make_frame
from .media import open_media, video_codec
from .profiles import with_profile

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".webp", ".bmp"})
"""Lower-case suffixes of still images."""


@dataclass(frozen=True, kw_only=True)
class ImageKind:
    """Lossless encoding of one kind of still image."""

    suffix: str
    """Suffix of new files."""
    encoder: str
    """Encoder name in ffmpeg."""
    formats: tuple[str, ...]
    """Pixel formats it takes."""


_PNG = ImageKind(
    suffix=".png",
    encoder="png",
    formats=("rgb24", "rgba", "rgb48be", "rgba64be", "gray", "ya8", "gray16be", "ya16be"),
)
_TIFF = ImageKind(
    suffix=".tif",
    encoder="tiff",
    formats=("rgb24", "rgba", "rgb48le", "rgba64le", "gray", "ya8", "gray16le", "ya16le"),
)

IMAGE_KINDS: Mapping[str, ImageKind] = MappingProxyType(
    {
        ".png": _PNG,
        ".tif": _TIFF,
        ".tiff": _TIFF,
        ".bmp": ImageKind(suffix=".bmp", encoder="bmp", formats=("bgr24", "bgra", "gray")),
        ".exr": ImageKind(
            suffix=".exr", encoder="exr", formats=("gbrpf32le", "gbrapf32le", "grayf32le")
        ),
    }
)
"""Suffixes that keep their kind; JPEG and WebP lose quality with every save, so become PNG."""

_SEVERAL: Mapping[str, type[ImageFile]] = MappingProxyType(
    {".png": PngImageFile, ".webp": WebPImageFile, ".tif": TiffImageFile, ".tiff": TiffImageFile}
)
"""Kinds that may hold several pictures."""
_SUBFILE, _NO_PAGE = 254, 0b101  # TIFF: NewSubfileType, of reduced copies and of masks

_DEEP = {".png": "rgb48be", ".tif": "rgb48le", ".tiff": "rgb48le"}


def image_kind(suffix: str) -> ImageKind:
    """Return the kind to write for a source image's suffix: the same if lossless, else PNG."""
    return IMAGE_KINDS.get(suffix.lower(), _PNG)


def is_still(path: Path) -> bool:
    """Tell whether a path names an image file; an animated PNG is a film."""
    if path.suffix.lower() not in IMAGE_SUFFIXES or path.is_dir():
        return False
    return path.suffix.lower() != ".png" or num_pictures(path) == 1


def num_pictures(path: Path) -> int:
    """Return how many pictures an image file holds, 1 where that cannot be told.

    ffmpeg shows the first page of a TIFF, and no animated WebP.
    """
    kind = _SEVERAL.get(path.suffix.lower())
    try:
        if kind is None:
            return 1
        with kind(path) as image:
            if not isinstance(image, TiffImageFile):
                return getattr(image, "n_frames", 1)
            pages = 0
            for page in range(image.n_frames):
                image.seek(page)
                pages += not image.tag_v2.get(_SUBFILE, 0) & _NO_PAGE
            return max(1, pages)
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, TypeError, struct.error):
        return 1  # damaged, or of another kind than its name says


def load_image(path: Path) -> av.VideoFrame:
    """Decode the picture of an image file, with the orientation tag of its EXIF data.

    Raises:
        VideoError: it cannot be read, or holds several pictures.
    """
    if (number := num_pictures(path)) > 1:
        raise VideoError(
            f"Expected one picture in a file, got {number} in {path}; save each as a file of its own, "
            "or all as a film."
        )
    with open_media(path) as container:
        for frame in container.decode(video=0):
            return frame
    raise VideoError(f"Expected an image, got {path} without a picture; check the file.")


def save_image(
    frame: av.VideoFrame, path: Path, kind: ImageKind, profile: bytes | None = None
) -> None:
    """Encode a frame, in one of the kind's pixel formats, into an image file.

    Args:
        frame: the picture.
        path: file to write.
        kind: of the file.
        profile: its colour profile; only PNG takes one.

    Raises:
        OSError: the file cannot be written.
    """
    encoder = video_codec(kind.encoder, "w")
    encoder.width, encoder.height = frame.width, frame.height
    encoder.pix_fmt = frame.format.name
    encoder.time_base = Fraction(1, 24)
    encoder.framerate = Fraction(24)
    frame.pts, frame.time_base = 0, encoder.time_base
    packets = encoder.encode(frame) + encoder.encode(None)
    data = b"".join(bytes(packet) for packet in packets)
    path.write_bytes(data if profile is None else with_profile(data, profile))


def read_picture(path: Path) -> Tensor:
    """Read a still image as (3,h,w) float32 in [0,1], upright by its EXIF data.

    Raises:
        VideoError: it cannot be read.
    """
    return make_frame(load_image(path), time=Fraction(0), index=0).rgb()


def check_picture_name(path: Path) -> None:
    """Check, before any work, that a picture can be written to a path.

    Raises:
        VideoError: another suffix than .png or .tif, or no such folder.
    """
    if path.suffix.lower() not in _DEEP:
        raise VideoError(f"Expected a picture as .png or .tif, got {path}; choose such a name.")
    if not path.absolute().parent.is_dir():
        raise VideoError(f"Expected the folder of {path} to exist; create it first.")


def write_picture(picture: Tensor, path: Path) -> None:
    """Write a picture with 16 bits per channel; the file appears once it is complete.

    Args:
        picture: (3,h,w) in [0,1].
        path: .png, .tif or .tiff.

    Raises:
        VideoError: another suffix, no such folder, or the file cannot be written.
    """
    check_picture_name(path)
    levels = (picture.clamp(0, 1) * 65535).round().permute(1, 2, 0).cpu().numpy()
    _write(levels.astype(np.uint16), path, _DEEP[path.suffix.lower()])


def write_opaque_picture(picture: Tensor, path: Path) -> None:
    """Write a picture with 8 bits per channel and an opaque alpha channel, which an eraser clears.

    Arguments and errors are those of `write_picture`.
    """
    check_picture_name(path)
    opaque = torch.cat([picture, torch.ones_like(picture[:1])])
    levels = (opaque.clamp(0, 1) * 255).round().permute(1, 2, 0).cpu().numpy()
    _write(levels.astype(np.uint8), path, "rgba")


def _write(levels: np.ndarray, path: Path, pixel_format: str) -> None:
    """Write levels (h,w,c) in a pixel format; see `write_picture`."""
    image = av.VideoFrame.from_ndarray(np.ascontiguousarray(levels), format=pixel_format)
    try:
        with WholeFile(path) as partial:
            save_image(image, partial, IMAGE_KINDS[path.suffix.lower()])
    except OSError as error:
        raise VideoError(
            f"Expected to write {path}, got: {error.strerror}; choose another place."
        ) from error
