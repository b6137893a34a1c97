"""Choose the pixel format for an encoder, and convert native samples into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import av
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import VideoError
from .colour import UNTAGGED, Colour, Matrix, Range, colour_of, matrix_number, quantise
from .frame import read_alpha, read_rgb, upsample
from .layout import Component, Family, Layout, known_layout, layout_of, read_samples, samples
from .native import blank_frame, copy_tags
from .orientation import Orientation
from .paste import paste_samples


def choose_carrier(
    source: Layout, formats: Iterable[str], *, size: tuple[int, int], even: bool = False
) -> Layout:
    """Choose the format nearest to a source among those an encoder takes.

    Args:
        source: layout of the source.
        formats: pixel formats of the encoder, by name.
        size: (height, width) of the picture.
        even: the encoder refuses subsampled pictures of odd size.

    Returns:
        The format that loses least of colour model, subsampling, depth and alpha.

    Raises:
        VideoError: the encoder has no format of ours for that size.
    """
    layouts = [layout for name in formats if (layout := layout_of(name)) is not None]
    # The yuvj names are the old spelling of yuv with a full range tag.
    layouts = [c for c in layouts if not c.full and not (even and _odd(size, c))]
    if not layouts:
        raise VideoError(
            f"Expected an encoder for {source.name} at {size[1]}x{size[0]}, got none that takes "
            "it; write a lossless .mkv."
        )
    return min(layouts, key=lambda layout: _loss(source, layout))


def _odd(size: tuple[int, int], layout: Layout) -> bool:
    x, y = layout.shifts
    return bool((x and size[1] % 2) or (y and size[0] % 2))


def _loss(source: Layout, target: Layout) -> float:
    """Return the cost of a change of format, 0 for none; the weights only order the losses."""
    rank = {Family.GRAY: 0, Family.YUV: 1, Family.RGB: 2}
    step = rank[target.family] - rank[source.family]
    loss = 1000.0 * -step if step < 0 else 10.0 * step
    if source.family is Family.RGB and target.family is Family.YUV:
        loss = 500.0
    for old, new in zip(source.shifts, target.shifts, strict=True):
        loss += 100 * max(new - old, 0) + 5 * max(old - new, 0)
    loss += 40 * max(source.bits - target.bits, 0) + max(target.bits - source.bits, 0)
    if source.alpha and not target.alpha:
        loss += 300
    elif target.alpha and not source.alpha:
        loss += 0.5
    return loss


def is_exact(source: Layout, target: Layout) -> bool:
    """Tell whether a target layout holds every sample of a source layout unchanged."""
    coarser = any(n > o for o, n in zip(source.shifts, target.shifts, strict=True))
    gray = source.family is Family.GRAY and target.family is Family.YUV
    same = source.family is target.family or gray
    lost_alpha = source.alpha is not None and target.alpha is None
    return same and source.bits == target.bits and not coarser and not lost_alpha


def convert(
    frame: av.VideoFrame,
    target: Layout,
    orientation: Orientation | None = None,
    colour: Colour | None = None,
) -> av.VideoFrame:
    """Convert a frame to another pixel format of ours.

    Samples are copied unchanged where `is_exact` holds, otherwise converted in floating point.

    Args:
        frame: frame in a format of ours, stored orientation.
        target: format to make.
        orientation: turns the picture upright; None keeps the stored orientation.
        colour: meaning of the grey or YUV samples to make; None keeps that of the frame, and makes
            limited BT.709 of RGB.

    Returns:
        A new frame with the times and tags of the old one, and correct matrix and range tags.
    """
    source = known_layout(frame.format.name)
    turn = (orientation or Orientation()).upright
    alpha = read_alpha(frame)
    if target.family is Family.RGB:
        result = _convert_to_rgb(frame, source, target, turn)
    elif source.family is Family.RGB or (colour and not has_colour(frame, colour)):
        rgb = turn(read_rgb(frame))
        result = _blank(frame, target, rgb[0])
        # Untagged RGB becomes tagged BT.709, on which all players agree.
        colour = colour or Colour(Matrix.BT709, full=target.family is Family.GRAY)
        result.colorspace = matrix_number(colour.matrix)
        result.color_range = Range.FULL if colour.full else Range.LIMITED
        paste_samples(result, rgb, torch.ones(rgb.shape[1:], dtype=torch.bool), colour)
    else:
        result = _convert_yuv(frame, source, target, colour_of(frame, source), turn)
        if result.colorspace == 0:  # grey of RGB images; YUV with that matrix is not allowed
            result.colorspace = UNTAGGED
    opacity = torch.ones(1, frame.height, frame.width) if alpha is None else alpha
    write_alpha(result, target, turn(opacity))
    return result


def has_colour(frame: av.VideoFrame, colour: Colour) -> bool:
    """Tell whether the samples of a grey or YUV frame of ours have a meaning."""
    layout = known_layout(frame.format.name)
    own = colour_of(frame, layout)
    return own.full == colour.full and (layout.family is Family.GRAY or own == colour)


def write_alpha(frame: av.VideoFrame, layout: Layout, opacity: Tensor) -> None:
    """Write opacity (1,H,W) float32 in [0,1] into a frame of a layout, if that has alpha."""
    if layout.alpha is not None:
        _fill(frame, layout, layout.alpha, _to_top(opacity, layout)[0])


def _convert_to_rgb(
    frame: av.VideoFrame, source: Layout, target: Layout, turn: Callable[[Tensor], Tensor]
) -> av.VideoFrame:
    if source.family is Family.RGB:
        channels = [
            _rescale(read_samples(frame, source, c), source, target) for c in source.colours
        ]
    else:
        channels = list(_to_top(read_rgb(frame), target))
    result = _blank(frame, target, turn(channels[0]))
    result.colorspace, result.color_range = 0, Range.FULL
    for component, channel in zip(target.colours, channels, strict=True):
        _fill(result, target, component, turn(channel))
    return result


def _convert_yuv(
    frame: av.VideoFrame,
    source: Layout,
    target: Layout,
    colour: Colour,
    turn: Callable[[Tensor], Tensor],
) -> av.VideoFrame:
    """Change depth and subsampling of YUV, or add neutral chroma to grey."""
    planes = []
    for number in range(len(target.colours)):
        scale = colour.chroma_scale if number else colour.luma_scale
        old, new = ((0.0, 1.0) if kind.is_float else scale(kind.bits) for kind in (source, target))
        if number and source.family is Family.GRAY:
            planes.append(torch.full((frame.height, frame.width), new[0]))
            continue
        values = read_samples(frame, source, source.colours[number])
        if number:
            values = upsample(values, source, frame.height, frame.width)
        if old != new:
            values = values.sub(old[0]).div_(old[1])
            values = values if target.is_float else quantise(values, new, target.bits)
        planes.append(values)
    result = _blank(frame, target, turn(planes[0]))
    if colour.full and frame.color_range != Range.FULL:
        result.color_range = Range.FULL
    for component, values in zip(target.colours, planes, strict=True):
        _fill(result, target, component, turn(values))
    return result


def _blank(frame: av.VideoFrame, target: Layout, picture: Tensor) -> av.VideoFrame:
    height, width = picture.shape
    result = blank_frame(width, height, target.name)
    copy_tags(frame, result)
    return result


def _fill(target: av.VideoFrame, layout: Layout, component: Component, values: Tensor) -> None:
    x, y = component.shift_x, component.shift_y
    if x or y:
        values = F.avg_pool2d(values[None], (1 << y, 1 << x), ceil_mode=True)[0].round_()
    samples(target, layout, component)[:] = values.numpy().astype(layout.dtype)


def _to_top(values: Tensor, target: Layout) -> Tensor:
    return values if target.is_float else torch.round(values * target.top)


def _rescale(values: Tensor, source: Layout, target: Layout) -> Tensor:
    if source.top == target.top:
        return values
    return _to_top((values / source.top).clamp_(0, 1), target)
