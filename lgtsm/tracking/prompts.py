"""What a user says about the object in one frame: a painted mask, a box, or points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from ..clip_tensors import describe, is_mask_tensor
from ..errors import OptionError, ShapeError
from ..masks.morph import stretch

COVERS_ALL = 0.95
"""Fraction of the picture from which on a painted mask leaves no background to tell apart."""
INVERTED = 0.6
"""Fraction above which a mask that touches all four sides is taken to mark the background."""
Point = tuple[int, int]
"""x and y in pixels of the frame."""


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """The object in one frame; exactly one of mask, box and points is given.

    frame: its number, counted from 0.
    mask: (1,H,W) or (H,W) in [0,1], above 0.5 = object; an empty one says that the object is not there.
    box: left, top, width and height in pixels around the object.
    points: on the object.
    not_points: beside it; only together with points.
    """

    frame: int
    mask: Tensor | None = None
    box: tuple[int, int, int, int] | None = None
    points: tuple[Point, ...] = ()
    not_points: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        """Check that one thing is said; raises OptionError or ShapeError."""
        if type(self.frame) is not int or self.frame < 0:
            raise OptionError(
                f"Expected a frame number of 0 or more for a prompt, got {self.frame!r:.80}; count "
                "frames from 0."
            )
        if (self.mask is not None) + (self.box is not None) + bool(self.points) != 1:
            raise OptionError(
                f"Expected a mask, a box or points on the object for the prompt on frame {self.frame}, "
                "got none or several; give one of them."
            )
        if self.mask is not None and not (
            is_mask_tensor(self.mask)
            and self.mask.numel() > 0
            and (self.mask.dim() == 2 or (self.mask.dim() == 3 and len(self.mask) == 1))
        ):
            raise ShapeError(
                f"Expected the mask of a prompt as (1,H,W) or (H,W), got {describe(self.mask)}; give "
                "one channel."
            )
        if self.box is not None and (len(self.box) != 4 or min(self.box[2:]) < 1):
            raise OptionError(
                f"Expected a box of 1 or more pixels on frame {self.frame}, got {self.box}; enlarge it."
            )


def check_prompts(prompts: Sequence[Prompt], num_frames: int) -> list[Prompt]:
    """Return the prompts in order of their frames.

    Raises:
        OptionError: there is none, two are on one frame, or one is beyond the clip.
    """
    if not prompts:
        raise OptionError("Expected a painted frame, got none; paint the object in one frame.")
    ordered = sorted(prompts, key=lambda prompt: prompt.frame)
    for one, other in pairwise(ordered):
        if one.frame == other.frame:
            raise OptionError(
                f"Expected one prompt a frame, got two on frame {one.frame}; join them in one picture."
            )
    if ordered[-1].frame >= num_frames:
        raise OptionError(
            f"Expected painted frames, boxes and points on frames 0 to {num_frames - 1}, got one on "
            f"frame {ordered[-1].frame}; count frames from 0."
        )
    return ordered


def painted_mask(prompt: Prompt, size: tuple[int, int], notes: list[str]) -> Tensor:
    """Return the mask (1,H,W) of a painted prompt, 0 or 1, at the size (height, width) of the frames.

    Args:
        prompt: one with a mask.
        size: of the frames.
        notes: told of what was changed or looks wrong.

    Raises:
        OptionError: it covers everything.
    """
    assert prompt.mask is not None
    mask = prompt.mask.detach().cpu().float().reshape(1, *prompt.mask.shape[-2:])
    if tuple(mask.shape[-2:]) != size:
        notes.append(
            f"the mask painted on frame {prompt.frame} is stretched from {mask.shape[2]}x"
            f"{mask.shape[1]} to the {size[1]}x{size[0]} of the frames"
        )
        mask = stretch(mask[None], size)[0]
    mask = (mask > 0.5).float()
    share = float(mask.mean())
    if share > COVERS_ALL:
        raise OptionError(
            f"Expected the object painted white on frame {prompt.frame}, got a mask that covers "
            f"{share:.0%} of the picture; leave the background black."
        )
    sides = (mask[0, 0], mask[0, -1], mask[0, :, 0], mask[0, :, -1])
    if share > INVERTED and all(float(side.mean()) > INVERTED for side in sides):
        notes.append(
            f"the mask painted on frame {prompt.frame} marked the background and was inverted: white "
            "is the object"
        )
        mask = 1 - mask
    if not share:
        notes.append(f"nothing is painted on frame {prompt.frame}: the object is not there")
    return mask


def check_inside(prompt: Prompt, size: tuple[int, int]) -> None:
    """Raise OptionError where a box or a point is outside frames of a size (height, width)."""
    height, width = size
    if prompt.box is not None:
        left, top, wide, high = prompt.box
        if left >= width or top >= height or left + wide <= 0 or top + high <= 0:
            raise OptionError(
                f"Expected a box inside {width}x{height}, got {left},{top},{wide},{high} on frame "
                f"{prompt.frame}; move it into the frame."
            )
    for x, y in (*prompt.points, *prompt.not_points):
        if not (0 <= x < width and 0 <= y < height):
            raise OptionError(
                f"Expected points inside {width}x{height}, got {x},{y} on frame {prompt.frame}; "
                "correct them."
            )


def box_region(box: tuple[int, int, int, int], size: tuple[int, int]) -> Tensor:
    """Return (1,H,W) with 1 inside a box."""
    left, top, width, height = box
    region = torch.zeros(1, *size)
    region[:, max(0, top) : max(0, top + height), max(0, left) : max(0, left + width)] = 1
    return region
