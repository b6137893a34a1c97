"""Conversion between ComfyUI's tensors and the library's; the only place that permutes.

ComfyUI: images (T,H,W,C) with C 3 or 4, masks (T,H,W), 1 = selected. Library: frames (T,3,H,W),
holes (T,1,H,W), 1 = hole. Everything float in [0,1].
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

from ..lgtsm.errors import ShapeError

_PLACEHOLDER_PX = 64
"""Side of the empty mask that Load Image makes for a picture without transparency."""


def to_frames(images: Tensor) -> Tensor:
    """Return an image batch as (T,3,H,W), a view.

    Raises:
        ShapeError: not a batch of RGB or RGBA pictures.
    """
    if images.dim() != 4 or images.shape[-1] not in (3, 4) or images.numel() == 0:
        raise ShapeError(
            f"Expected images of shape (T,H,W,3 or 4), got {tuple(images.shape)}; connect an IMAGE "
            "batch, for example from Get Video Components."
        )
    return rearrange(images[..., :3], "t h w c -> t c h w")


def frame_size(frames: Tensor) -> tuple[int, int]:
    """Return (height, width) of frames (T,3,H,W)."""
    return frames.shape[2], frames.shape[3]


def to_images(frames: Tensor, alpha_of: Tensor | None = None) -> Tensor:
    """Return frames (T,3,H,W) as (T,H,W,C), with the alpha of `alpha_of` where that has one."""
    images = rearrange(frames, "t c h w -> t h w c")
    if alpha_of is not None and alpha_of.shape[-1] == 4:
        return torch.cat([images, alpha_of[..., 3:].to(images)], -1)
    return images.contiguous()


def to_masks(
    mask: Tensor, size: tuple[int, int] | None = None, *, num_frames: int | None = None
) -> Tensor:
    """Return a mask (N,H,W) or (H,W) as (N,1,H,W), a view.

    Args:
        mask: from the graph.
        size: (height, width) it must have; None takes any.
        num_frames: N must be 1 or this; None takes any.

    Raises:
        ShapeError: another shape, size or number of frames.
    """
    masks = mask[None] if mask.dim() == 2 else mask
    if masks.dim() != 3 or masks.numel() == 0:
        raise ShapeError(
            f"Expected a mask of shape (T,H,W), got {tuple(mask.shape)}; connect a MASK, for "
            "example from Convert Image to Mask."
        )
    if size is not None:
        check_placeholder(masks, size)
        if tuple(masks.shape[1:]) != size:
            raise ShapeError(
                f"Expected a mask of {size[1]}x{size[0]} like the frames, got "
                f"{masks.shape[2]}x{masks.shape[1]}; paint it on a frame of this clip, or let MaskVideo resize "
                "it."
            )
    if num_frames is not None and len(masks) not in (1, num_frames):
        raise ShapeError(
            f"Expected a mask of 1 or {num_frames} frames, got {len(masks)}; use one mask for the "
            "whole clip or add empty masks for frames without an object."
        )
    return rearrange(masks, "n h w -> n 1 h w")


def from_holes(holes: Tensor, num_frames: int) -> Tensor:
    """Return holes (1 or T,1,H,W) as (T,H,W); one hole is repeated without a copy."""
    return holes[:, 0].expand(num_frames, -1, -1)


def check_placeholder(masks: Tensor, size: tuple[int, int]) -> None:
    """Refuse the placeholder mask (1,H,W) that Load Image makes when a picture has none.

    Raises:
        ShapeError: an empty mask of 64x64 for frames of another size (height, width).
    """
    small = (_PLACEHOLDER_PX, _PLACEHOLDER_PX)
    is_one = tuple(masks.shape) == (1, *small) and size != small
    if is_one and not masks.any():
        raise ShapeError(
            "Expected a painted mask, got the empty 64x64 mask that Load Image makes for pictures "
            "without transparency; paint a mask or connect a mask node."
        )
