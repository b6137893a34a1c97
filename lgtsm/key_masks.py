"""Key masks in a folder: painted for some frames, and named by the numbers of these."""

from __future__ import annotations

import logging
from pathlib import Path

from torch import Tensor

from .errors import VideoError
from .mask_options import MaskOptions
from .masks.fit import fit, stretched
from .video.folder import list_images
from .video.numbered import check_numbers, numbers_in_names
from .video.read import read_masks

_LOG = logging.getLogger(__name__)


def read_key_masks(
    folder: Path, source: Path, num_frames: int, size: tuple[int, int]
) -> dict[int, Tensor]:
    """Read key masks.

    Args:
        folder: of pictures; mask_0012.png belongs to frame 12 of a film, or to the picture of a folder
            that has this number.
        source: film or folder of the frames.
        num_frames: of the source.
        size: (height, width) of the frames; masks of the same shape are stretched to it.

    Returns:
        Frame number, from 0, to mask (1,H,W) in [0,1].

    Raises:
        VideoError: no folder of pictures, a name without a number, or a number that no frame has;
            ShapeError: a mask of another shape.
    """
    if not folder.is_dir():
        raise VideoError(f"Expected a folder of key masks, got {folder}; name one.")
    files = list_images(folder)
    numbers = numbers_in_names(files)
    if numbers is None:
        raise VideoError(
            f"Expected key masks named by the numbers of their frames in {folder}, got "
            f"{files[0].name}; rename it, for example to mask_0012.png."
        )
    if source.is_dir():
        of_frames = numbers_in_names(list_images(source)) or range(num_frames)
        order = {number: index for index, number in enumerate(of_frames)}
        wrong = [file for file, n in zip(files, numbers, strict=True) if n not in order]
        if wrong:
            raise VideoError(
                f"Expected key masks with the numbers of pictures in {source}, got {wrong[0].name}; "
                "rename it."
            )
        places = [order[number] for number in numbers]
    else:
        check_numbers(files, numbers, num_frames)
        places = numbers
    masks = list(read_masks(folder))
    if note := stretched(masks[0], size):
        _LOG.warning("%s", note)
    fitted = (fit(mask, size, MaskOptions()) for mask in masks)
    return dict(zip(places, fitted, strict=True))
