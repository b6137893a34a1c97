"""A clip in memory as the public calls take it: checked, and with the holes that are filled."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from torch import Tensor

from .clip_tensors import describe, is_clip_tensor, is_dense, is_mask_tensor
from .copying.plates import Plate
from .engine.hooks import Hooks
from .errors import ShapeError
from .mask_options import MaskOptions
from .masks.fit import fit, stretched
from .masks.prepare import pair_with

_LOG = logging.getLogger(__name__)


def check_inputs(frames: Tensor, holes: Tensor, plates: Sequence[Plate]) -> None:
    """Raise ShapeError for anything but a clip, its holes and plates, whatever was annotated."""
    for name, value in (("frames", frames), ("holes", holes)):
        if not is_dense(value):
            raise ShapeError(
                f"Expected {name} as a dense torch tensor, got {describe(value)}; convert an array "
                "with torch.from_numpy."
            )
    is_clip = frames.dim() == 4 and frames.shape[1] == 3 and frames.numel() > 0
    if not is_clip or not is_clip_tensor(frames):
        raise ShapeError(
            f"Expected frames (T,3,H,W) as floats in 0..1, of 16 bits or more, got "
            f"{tuple(frames.shape)} of {frames.dtype}; move the channels to the second place, "
            "divide bytes by 255."
        )
    is_one = holes.dim() == 4 and holes.shape[1] == 1 and holes.numel() > 0
    if not is_one or not is_mask_tensor(holes):
        raise ShapeError(
            f"Expected holes ({len(frames)},1,{frames.shape[2]},{frames.shape[3]}) or one hole for "
            f"all frames, got {tuple(holes.shape)} of {holes.dtype}; resize or convert the masks."
        )
    wrong = [plates] if is_dense(plates) else [p for p in plates if type(p) is not Plate]
    if wrong:
        raise ShapeError(
            f"Expected plates as a list of Plate, got {describe(wrong[0])}; write [Plate(picture)]."
        )


def used_holes(
    frames: Tensor, holes: Tensor, options: MaskOptions, hooks: Hooks, notes: list[str]
) -> Tensor:
    """Return the holes (T,1,H,W) float32, 0 or 1, that masks stand for.

    Args:
        frames: (T,3,H,W).
        holes: (T,1,h,w) or (1,1,h,w) in [0,1].
        options: how masks become holes.
        hooks: asked at every frame.
        notes: told where masks are stretched.

    Raises:
        ShapeError: masks of another shape or number; Cancelled: the caller asked to stop.
    """
    size = (frames.shape[2], frames.shape[3])
    if note := stretched(holes[0], size):
        holes = torch.stack([fit(hole.float(), size, options) for hole in holes])
        notes.append(note)
        _LOG.warning("%s", note)
    return torch.stack(
        [hole for _, hole in pair_with(hooks.checked(frames), holes.float(), options)]
    )
