"""The masks of a folder, one a frame, with empty ones for the frames that have none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from .folder import list_images
from .image import is_still
from .numbered import masks_of_film, masks_of_frames
from .stamps import shown_stamps


def list_masks(path: Path, frames_of: Path | None) -> list[Path | None]:
    """List an image, or those of a folder, in the order of the frames of a source.

    Args:
        path: image or folder.
        frames_of: source of the frames; None takes the masks in order.

    Returns:
        The images; None for a frame that has none of its number.

    Raises:
        VideoError: there are none, or one has a number beyond the source.
    """
    files = list_images(path) if path.is_dir() else [path]
    if frames_of is None or len(files) == 1 or is_still(frames_of):
        return [*files]
    if frames_of.is_dir():
        return masks_of_frames(files, list_images(frames_of))
    return masks_of_film(files, len(shown_stamps(frames_of)[1]))


def with_absent(
    files: Sequence[Path | None],
    spare: Path,
    read: Callable[[list[Path]], Iterator[Tensor]],
    absent: float,
) -> Iterator[Tensor]:
    """Yield the masks of files, and one of a single value where there is none.

    Args:
        files: of the frames.
        spare: file that tells the size where no frame has one.
        read: yields masks (1,H,W).
        absent: value of the others.
    """
    drawn = [file for file in files if file is not None]
    masks = read(drawn or [spare])
    first = next(masks)
    masks = chain([first] if drawn else [], masks)
    for file in files:
        yield torch.full_like(first, absent) if file is None else next(masks)


def absent_note(files: Sequence[Path | None]) -> str:
    """Return the note about frames that have no mask; empty where all have one."""
    missing = sum(file is None for file in files)
    if not missing:
        return ""
    return (
        f"masks belong to the frames of their numbers; {missing} of {len(files)} frames have none and are "
        "left as they are (`lgtsm masks between` draws the masks between)"
    )
