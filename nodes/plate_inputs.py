"""Reference pictures: the inputs that both inpainting nodes have at their end."""

from __future__ import annotations

from comfy_api.latest import io
from torch import Tensor

from ..lgtsm.copying.plates import Plate
from ..lgtsm.errors import OptionError
from .convert import to_frames


def plate_inputs() -> list[io.Input]:
    """Return the inputs; all are optional, so that prompts saved before them still run."""
    return [
        io.Image.Input(
            "reference",
            optional=True,
            tooltip="Clean pictures of the scene, or frames you painted yourself, framed as the "
            "clip. What they show goes before everything else.",
        ),
        io.String.Input(
            "plate_frames",
            default="",
            optional=True,
            tooltip="Numbers of the frames that the references belong to, counted from 0, such as "
            "0, 48. Empty: each is found by its content.",
        ),
    ]


def to_plates(images: Tensor | None, numbers: str, first: int = 0) -> tuple[Plate, ...]:
    """Return the reference pictures of a node.

    Args:
        images: (R,H,W,C) or None.
        numbers: one frame number a picture, or empty.
        first: number of the frame that the user counts as 0.

    Raises:
        OptionError: no numbers, or another count than pictures; ShapeError: no pictures.
    """
    words = numbers.replace(",", " ").split()
    count = 0 if images is None else len(images)
    if words and len(words) != count:
        raise OptionError(
            f"Expected one frame number for each of the {count} references, got {len(words)}; "
            "write one number a reference, such as 0, 48, or leave it empty."
        )
    if not all(word.isdigit() for word in words):
        raise OptionError(
            f"Expected frame numbers such as 0, 48, got {numbers!r}; count frames from 0."
        )
    if images is None:
        return ()
    frames = [first + int(word) for word in words] or [None] * count
    pictures = to_frames(images).float().cpu()
    return tuple(Plate(p, frame) for p, frame in zip(pictures, frames, strict=True))
