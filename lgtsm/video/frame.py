"""One frame: the decoded samples, converted to float RGB on demand."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import torch
from torch import Tensor

from .colour import Colour, colour_of
from .layout import Family, Layout, known_layout, read_samples
from .native import supported
from .orientation import Orientation, orientation_of


@dataclass(frozen=True, eq=False)
class Frame:
    """A decoded frame: its native samples, and their meaning in space and time."""

    native: av.VideoFrame
    """The decoded samples in stored orientation; never change them, the decoder needs them."""
    orientation: Orientation
    """From stored to display orientation."""
    time: Fraction
    """Seconds on the clock of the film (`clock`)."""
    index: int
    """Number of the frame in the file, the first is 0."""

    @property
    def layout(self) -> Layout:
        """Layout of `native`."""
        return known_layout(self.native.format.name)

    @property
    def colour(self) -> Colour:
        """Meaning of the samples of `native`."""
        return colour_of(self.native, self.layout)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in display orientation."""
        height, width = self.native.height, self.native.width
        return (width, height) if self.orientation.swap else (height, width)

    def rgb(self) -> Tensor:
        """Convert to RGB at every call, so that a waiting frame holds its native samples only.

        Returns:
            (3,H,W) float32 in [0,1], in display orientation.
        """
        return self.orientation.upright(read_rgb(self.native))


def make_frame(decoded: av.VideoFrame, *, time: Fraction, index: int) -> Frame:
    """Build a Frame, in a format of ours, from a decoder's output.

    Raises:
        VideoError: the pixel format cannot be converted.
    """
    return Frame(
        native=supported(decoded), orientation=orientation_of(decoded), time=time, index=index
    )


def upsample(samples: Tensor, layout: Layout, height: int, width: int) -> Tensor:
    """Repeat chroma samples (h,w) of a layout to picture size (height,width).

    Averaging inverts repetition exactly, so pixels copied from another frame become that frame's
    samples again; a smooth filter would blur them.
    """
    x, y = layout.shifts
    if y:
        samples = samples.repeat_interleave(1 << y, 0)[:height]
    if x:
        samples = samples.repeat_interleave(1 << x, 1)[:, :width]
    return samples


def read_luma(native: av.VideoFrame) -> Tensor:
    """Read the brightness of a frame, in a format of ours, without a detour through RGB.

    Returns:
        (1,H,W) float32 in [0,1]; black and white of the source's own range are exactly 0 and 1.
        RGB is weighted by BT.601, as in Pillow.
    """
    layout = known_layout(native.format.name)
    if layout.family is Family.RGB:
        red, green, blue = read_rgb(native)
        return (green + (red - green) * 0.299 + (blue - green) * 0.114)[None].clamp_(0, 1)
    return _read_scaled_luma(native, layout)[None].clamp_(0, 1)


def _read_scaled_luma(native: av.VideoFrame, layout: Layout) -> Tensor:
    luma = read_samples(native, layout, layout.colours[0])
    if layout.is_float:
        return luma
    offset, span = colour_of(native, layout).luma_scale(layout.bits)
    return luma.sub_(offset).div_(span)


def read_rgb(native: av.VideoFrame) -> Tensor:
    """Convert a frame, in a format of ours, to floating-point RGB without rounding.

    Returns:
        (3,H,W) float32 clamped to [0,1], stored orientation.
    """
    layout = known_layout(native.format.name)
    if layout.family is Family.RGB:
        rgb = torch.stack([read_samples(native, layout, c) for c in layout.colours])
        if not layout.is_float:
            rgb.div_(layout.top)
        return rgb.clamp_(0, 1)
    luma = _read_scaled_luma(native, layout)
    if layout.family is Family.GRAY:
        return luma.clamp_(0, 1).expand(3, -1, -1).contiguous()
    colour = colour_of(native, layout)
    offset, span = colour.chroma_scale(layout.bits)
    chroma = [read_samples(native, layout, c).sub_(offset).div_(span) for c in layout.colours[1:]]
    # The matrix is applied at chroma size; only its three results are repeated to picture size.
    parts = colour.rgb_parts(*chroma)
    rgb = torch.empty(3, *luma.shape)
    for channel, part in zip(rgb, parts, strict=True):
        torch.add(luma, upsample(part, layout, *luma.shape), out=channel)
    return rgb.clamp_(0, 1)


def exceeds_range(native: av.VideoFrame) -> bool:
    """Tell whether a floating-point frame holds colours outside 0 to 1, which `read_rgb` clamps."""
    layout = known_layout(native.format.name)
    if not layout.is_float:
        return False
    values = (read_samples(native, layout, c) for c in layout.colours)
    return any(bool((v < 0).any() or (v > 1).any()) for v in values)


def read_alpha(native: av.VideoFrame) -> Tensor | None:
    """Read the opacity of a frame, in a format of ours.

    Returns:
        (1,H,W) float32 in [0,1], stored orientation, or None without an alpha channel.
    """
    layout = known_layout(native.format.name)
    if layout.alpha is None:
        return None
    return read_samples(native, layout, layout.alpha).div_(layout.top).clamp_(0, 1)[None]
