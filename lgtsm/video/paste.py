"""Write filled pixels into the native samples of a frame, inside the hole only."""

from __future__ import annotations

import av
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import ShapeError
from .colour import Colour, quantise
from .frame import Frame, known_layout
from .layout import Component, Family, Layout, samples
from .native import clone


def paste(frame: Frame, pixels: Tensor, hole: Tensor) -> av.VideoFrame:
    """Replace the hole of a frame by filled pixels, in the frame's own format.

    Args:
        frame: the source frame.
        pixels: filled picture, RGB (3,H,W) float in [0,1], display orientation.
        hole: (1,H,W), non-zero = replace, display orientation.

    Returns:
        A new frame in stored orientation; see `layout.hole_samples` for what differs.

    Raises:
        ShapeError: the sizes do not fit, or a filled pixel is not a number.
    """
    size = tuple(frame.pixels.shape[-2:])
    if tuple(pixels.shape) != (3, *size) or tuple(hole.shape) != (1, *size):
        raise ShapeError(
            f"Expected pixels (3,{size[0]},{size[1]}) and a hole (1,{size[0]},{size[1]}), got "
            f"{tuple(pixels.shape)} and {tuple(hole.shape)}; give both at the size of the frame."
        )
    result = clone(frame.native)
    mask = frame.orientation.stored(hole.detach().to("cpu"))[0] > 0
    if not bool(mask.any()):
        return result
    rgb = frame.orientation.stored(pixels.detach().to("cpu", torch.float32))
    paste_samples(result, rgb, mask, frame.colour)
    return result


def paste_samples(target: av.VideoFrame, rgb: Tensor, mask: Tensor, colour: Colour) -> None:
    """Write RGB into a frame of our own where a mask says so.

    Args:
        target: frame to change; must not belong to a decoder.
        rgb: (3,H,W) float32 in [0,1], stored orientation.
        mask: (H,W) bool, at least one pixel set, stored orientation.
        colour: meaning of the target's samples.

    Raises:
        ShapeError: a pixel to be written is not a number.
    """
    layout = known_layout(target)
    rows, columns = _box(mask, layout)
    mask = mask[rows, columns]
    rgb = rgb[:, rows, columns]
    if not bool(torch.isfinite(rgb[:, mask]).all()):
        raise ShapeError(
            f"Expected filled pixels between 0 and 1, got NaN or infinity in {target.width}x"
            f"{target.height}; run the fill in float32."
        )
    rgb = rgb.clamp(0, 1)
    if layout.family is Family.RGB:
        values = rgb if layout.is_float else torch.round(rgb * layout.top)
        for component, channel in zip(layout.colours, values, strict=True):
            _store(target, layout, component, channel, mask, rows, columns)
        return
    luma, blue, red = colour.yuv(rgb)
    if not layout.is_float:
        luma = quantise(luma, colour.luma_scale(layout.bits), layout.bits)
    _store(target, layout, layout.colours[0], luma, mask, rows, columns)
    for component, chroma in zip(
        layout.colours[1:], (blue, red), strict=layout.family is Family.YUV
    ):
        _paste_chroma(target, layout, component, chroma, mask, (rows, columns), colour)


def _box(mask: Tensor, layout: Layout) -> tuple[slice, slice]:
    """Give rows and columns of the mask's bounding box, grown to whole chroma footprints."""
    found = []
    for axis, shift in ((1, layout.shifts[1]), (0, layout.shifts[0])):
        places = mask.any(dim=axis).nonzero()
        first = int(places[0]) >> shift << shift
        last = -(-(int(places[-1]) + 1) >> shift) << shift
        found.append(slice(first, min(last, mask.shape[1 - axis])))
    return found[0], found[1]


def _store(
    target: av.VideoFrame,
    layout: Layout,
    component: Component,
    values: Tensor,
    mask: Tensor,
    rows: slice,
    columns: slice,
) -> None:
    view = samples(target, layout, component)[rows, columns]
    np.copyto(view, values.numpy().astype(layout.dtype), where=mask.numpy())


def _paste_chroma(
    target: av.VideoFrame,
    layout: Layout,
    component: Component,
    chroma: Tensor,
    mask: Tensor,
    box: tuple[slice, slice],
    colour: Colour,
) -> None:
    """Write one chroma channel; shared samples average the new pixels and the old sample."""
    x, y = layout.shifts
    rows = slice(box[0].start >> y, -(-box[0].stop >> y))
    columns = slice(box[1].start >> x, -(-box[1].stop >> x))
    view = samples(target, layout, component)[rows, columns]
    old = torch.from_numpy(view.astype(np.float32))
    scale = colour.chroma_scale(layout.bits)
    inside = mask.float()
    # Averages over footprints; those cut by the picture's edge hold fewer pixels (ceil_mode).
    share = _average(inside, x, y)
    new = _average(torch.where(mask, chroma, 0.0), x, y) * scale[1] + scale[0] * share
    mixed = quantise(new + (1 - share) * old, (0.0, 1.0), layout.bits)
    np.copyto(view, mixed.numpy().astype(layout.dtype), where=(share > 0).numpy())


def _average(values: Tensor, shift_x: int, shift_y: int) -> Tensor:
    if not shift_x and not shift_y:
        return values
    size = (1 << shift_y, 1 << shift_x)
    return F.avg_pool2d(values[None], size, ceil_mode=True)[0]
