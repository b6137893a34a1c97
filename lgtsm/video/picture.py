"""Still images as tensors: read plates, write clean plates."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from torch import Tensor

from ..errors import VideoError
from ..whole_file import WholeFile
from .frame import make_frame
from .image import IMAGE_KINDS, load_image, save_image

_DEEP = {".png": "rgb48be", ".tif": "rgb48le", ".tiff": "rgb48le"}


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
    """Write a picture with 16 bits per channel; the file appears when it is whole.

    Args:
        picture: (3,h,w) in [0,1].
        path: .png, .tif or .tiff.

    Raises:
        VideoError: another suffix, no such folder, or the file cannot be written.
    """
    check_picture_name(path)
    suffix = path.suffix.lower()
    levels = (picture.clamp(0, 1) * 65535).round().permute(1, 2, 0).cpu().numpy()
    image = av.VideoFrame.from_ndarray(
        np.ascontiguousarray(levels.astype(np.uint16)), format=_DEEP[suffix]
    )
    try:
        with WholeFile(path) as partial:
            save_image(image, partial, IMAGE_KINDS[suffix])
    except OSError as error:
        raise VideoError(
            f"Expected to write {path}, got: {error.strerror}; choose another place."
        ) from error
