"""Write filled pixels into the native samples of a frame, inside the hole only."""

from __future__ import annotations

import av
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..box import Box, hole_box
from ..errors import ShapeError
from .colour import Colour, quantise
from .frame import Frame
from .layout import Component, Family, Layout, known_layout, samples
from .native import clone


def paste(frame: Frame, pixels: Tensor, hole: Tensor) -> av.VideoFrame:
    """Fill the hole of a frame, in the frame's own pixel format.

    A luma or RGB sample changes where its own pixel is hole. A subsampled chroma sample changes
    where any pixel of its footprint is hole: otherwise colour of the removed object would bleed
    along the edge. All other samples, and alpha, stay exact.

    Args:
        frame: the source frame.
        pixels: filled picture, RGB (3,H,W) float in [0,1], display orientation.
        hole: (1,H,W), non-zero = replace, display orientation.

    Returns:
        A new frame in stored orientation.

    Raises:
        ShapeError: the sizes do not fit, or a filled pixel is not a number.
    """
    size = frame.size
    if tuple(pixels.shape) != (3, *size) or tuple(hole.shape) != (1, *size):
        raise ShapeError(
            f"Expected pixels (3,{size[0]},{size[1]}) and a hole (1,{size[0]},{size[1]}), got "
            f"{tuple(pixels.shape)} and {tuple(hole.shape)}; give both at the size of the frame."
        )
    result = clone(frame.native)
    mask = frame.orientation.stored(hole.detach().to("cpu"))[0] > 0
    rgb = frame.orientation.stored(pixels.detach().to("cpu", torch.float32))
    paste_samples(result, rgb, mask, frame.colour)
    return result


def paste_samples(target: av.VideoFrame, rgb: Tensor, mask: Tensor, colour: Colour) -> None:
    """Write RGB into the masked pixels of a frame.

    Args:
        target: frame to change; must not belong to a decoder.
        rgb: (3,H,W) float32 in [0,1], stored orientation.
        mask: (H,W) bool, stored orientation.
        colour: meaning of the target's samples.

    Raises:
        ShapeError: a pixel to be written is not a number.
    """
    layout = known_layout(target.format.name)
    hole = hole_box(mask)
    if hole is None:
        return
    box = _whole_footprints(hole, layout) & Box(0, 0, *mask.shape)
    mask = mask[box.rows, box.columns]
    rgb = rgb[:, box.rows, box.columns]
    if not bool(torch.isfinite(rgb[:, mask]).all()):
        raise ShapeError(
            f"Expected filled pixels between 0 and 1, got NaN or infinity in {target.width}x"
            f"{target.height}; run the fill in float32."
        )
    rgb = rgb.clamp(0, 1)

    def store(component: Component, values: Tensor) -> None:
        view = samples(target, layout, component)[box.rows, box.columns]
        np.copyto(view, values.numpy().astype(layout.dtype), where=mask.numpy())

    if layout.family is Family.RGB:
        values = rgb if layout.is_float else torch.round(rgb * layout.top)
        for component, channel in zip(layout.colours, values, strict=True):
            store(component, channel)
        return
    luma, blue, red = colour.yuv(rgb)
    if not layout.is_float:
        luma = quantise(luma, colour.luma_scale(layout.bits), layout.bits)
    store(layout.colours[0], luma)
    for component, chroma in zip(
        layout.colours[1:], (blue, red), strict=layout.family is Family.YUV
    ):
        _paste_chroma(target, layout, component, chroma, mask, box, colour)


def _whole_footprints(box: Box, layout: Layout) -> Box:
    """Grow a box to whole footprints of chroma samples; it may leave the frame."""
    x, y = layout.shifts
    return Box(
        box.top >> y << y, box.left >> x << x, -(-box.bottom >> y) << y, -(-box.right >> x) << x
    )


def _paste_chroma(
    target: av.VideoFrame,
    layout: Layout,
    component: Component,
    chroma: Tensor,
    mask: Tensor,
    box: Box,
    colour: Colour,
) -> None:
    """Write one chroma channel; shared samples average the new pixels and the old sample."""
    x, y = layout.shifts
    rows = slice(box.top >> y, -(-box.bottom >> y))
    columns = slice(box.left >> x, -(-box.right >> x))
    view = samples(target, layout, component)[rows, columns]
    old = torch.from_numpy(view.astype(np.float32))
    scale = colour.chroma_scale(layout.bits)
    inside = mask.float()
    # Footprints cut by the picture's edge hold fewer pixels, over which ceil_mode averages.
    share = _average(inside, x, y)
    new = _average(torch.where(mask, chroma, 0.0), x, y) * scale[1] + scale[0] * share
    mixed = quantise(new + (1 - share) * old, (0.0, 1.0), layout.bits)
    np.copyto(view, mixed.numpy().astype(layout.dtype), where=(share > 0).numpy())


def _average(values: Tensor, shift_x: int, shift_y: int) -> Tensor:
    if not shift_x and not shift_y:
        return values
    size = (1 << shift_y, 1 << shift_x)
    return F.avg_pool2d(values[None], size, ceil_mode=True)[0]
