"""Where the samples of a pixel format lie: planes, order, subsampling, depth.

Only formats described here are pasted into; `native.supported` turns any other into one of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import MappingProxyType

import av
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import VideoError


class Family(Enum):
    """What the samples stand for."""

    YUV = "yuv"
    RGB = "rgb"
    GRAY = "gray"


@dataclass(frozen=True)
class Component:
    """One channel of a format."""

    plane: int
    """Number of the plane that holds it."""
    offset: int = 0
    """First sample in a row."""
    step: int = 1
    """Samples from one pixel to the next."""
    shift_x: int = 0
    """Each sample stands for 2^shift_x columns."""
    shift_y: int = 0
    """Each sample stands for 2^shift_y rows."""


@dataclass(frozen=True)
class Layout:
    """A pixel format."""

    name: str
    """Name in ffmpeg."""
    family: Family
    """Meaning of the colour channels."""
    bits: int
    """Bits used of each sample (8 to 16), or 32 for floating point."""
    dtype: str
    """Sample type as numpy writes it."""
    colours: tuple[Component, ...]
    """Channels in the order R,G,B or Y,Cb,Cr or Y."""
    alpha: Component | None = None
    """Opacity."""
    full: bool = False
    """The name itself says full range (the old yuvj formats)."""

    @property
    def is_float(self) -> bool:
        """Samples are floating point numbers, 1 is white."""
        return self.bits == 32

    @property
    def top(self) -> float:
        """Largest sample value of alpha and of RGB."""
        return 1.0 if self.is_float else float((1 << self.bits) - 1)

    @property
    def shifts(self) -> tuple[int, int]:
        """Subsampling (x, y) of chroma, as powers of two."""
        return self.colours[-1].shift_x, self.colours[-1].shift_y


_SHIFTS = MappingProxyType(
    {"410": (2, 2), "411": (2, 0), "420": (1, 1), "422": (1, 0), "440": (0, 1), "444": (0, 0)}
)
_YUV = re.compile(r"yuv(a|j)?(410|411|420|422|440|444)p(?:(9|10|12|14|16)le)?")
_GBR = re.compile(r"gbr(a)?p(?:(9|10|12|14|16|f32)le)?")
_GRAY = re.compile(r"gray(?:(9|10|12|14|16|f32)(le|be))?")
_PACKED = re.compile(r"(rgb24|bgr24|rgba|bgra|argb|abgr|rgb0|bgr0|0rgb|0bgr|ya8)")
_PACKED16 = re.compile(r"(rgb|bgr|rgba|bgra|ya)(48|64|16)(le|be)")


def _depth(text: str | None, order: str = "le") -> tuple[int, str]:
    if text is None:
        return 8, "u1"
    sign = ">" if order == "be" else "<"
    return (32, sign + "f4") if text == "f32" else (int(text), sign + "u2")


def _packed(name: str, order: str, bits: int, dtype: str) -> Layout:
    places = {letter: Component(0, i, len(order)) for i, letter in enumerate(order)}
    gray = "y" in order
    colours = tuple(places[letter] for letter in ("y" if gray else "rgb"))
    return Layout(name, Family.GRAY if gray else Family.RGB, bits, dtype, colours, places.get("a"))


@cache
def layout_of(name: str) -> Layout | None:
    """Describe a pixel format.

    Args:
        name: name in ffmpeg, as "yuv420p10le".

    Returns:
        Its layout, or None where we cannot paste into that format.
    """
    if match := _YUV.fullmatch(name):
        kind, sampling, depth = match.groups()
        bits, dtype = _depth(depth)
        shift = _SHIFTS[sampling]
        colours = (Component(0), Component(1, 0, 1, *shift), Component(2, 0, 1, *shift))
        alpha = Component(3) if kind == "a" else None
        return Layout(name, Family.YUV, bits, dtype, colours, alpha, kind == "j")
    if match := _GBR.fullmatch(name):
        bits, dtype = _depth(match[2])
        alpha = Component(3) if match[1] else None
        # Planes come as green, blue, red.
        colours = (Component(2), Component(0), Component(1))
        return Layout(name, Family.RGB, bits, dtype, colours, alpha)
    if match := _GRAY.fullmatch(name):
        bits, dtype = _depth(match[1], match[2] or "le")
        return Layout(name, Family.GRAY, bits, dtype, (Component(0),))
    if _PACKED.fullmatch(name):
        return _packed(name, name.rstrip("248") if name[-1] != "0" else name, 8, "u1")
    if match := _PACKED16.fullmatch(name):
        return _packed(name, match[1], 16, ">u2" if match[3] == "be" else "<u2")
    return None


def plane_rows(plane: av.video.plane.VideoPlane, dtype: str = "u1") -> np.ndarray:
    """View a plane from the top of the picture down.

    Args:
        plane: plane of a frame.
        dtype: sample type as numpy writes it.

    Returns:
        (rows, samples with padding) over the frame's own memory; writing to it changes the frame.
    """
    rows = np.frombuffer(plane, dtype).reshape(plane.height, -1)
    # Some decoders (raw AVI) keep the last row first in memory and count lines backwards.
    return rows[::-1] if plane.line_size < 0 else rows


def samples(frame: av.VideoFrame, layout: Layout, component: Component) -> np.ndarray:
    """View the samples of one channel.

    Args:
        frame: frame of that layout.
        layout: its layout.
        component: one of the layout's channels.

    Returns:
        (h,w) array over the frame's own memory, subsampled as the channel is; writing to it
        changes the frame.
    """
    rows = plane_rows(frame.planes[component.plane], layout.dtype)
    width = -(-frame.width >> component.shift_x)
    height = -(-frame.height >> component.shift_y)
    return rows[:height, component.offset :: component.step][:, :width]


def read_samples(frame: av.VideoFrame, layout: Layout, component: Component) -> Tensor:
    """Copy the samples of one channel into a tensor of their values.

    Args:
        frame: frame of that layout.
        layout: its layout.
        component: one of the layout's channels.

    Returns:
        (h,w) float32 holding the sample values as they are (0 to 65535 at most).
    """
    return torch.from_numpy(samples(frame, layout, component).astype(np.float32))


def footprint_any(mask: Tensor, shift_x: int, shift_y: int) -> Tensor:
    """Mark the subsampled samples that any marked pixel shares.

    Args:
        mask: (H,W) bool.
        shift_x: columns per sample as a power of two.
        shift_y: rows per sample as a power of two.

    Returns:
        (h,w) bool, h and w rounded up.
    """
    if not shift_x and not shift_y:
        return mask
    size = (1 << shift_y, 1 << shift_x)
    return F.max_pool2d(mask[None].float(), size, ceil_mode=True)[0] > 0


def hole_samples(hole: Tensor, name: str) -> tuple[Tensor, ...]:
    """Say which native samples a hole lets the writer change; all others stay exact.

    A luma or RGB sample is changed if its own pixel is hole. A subsampled chroma sample is changed
    if any pixel of its footprint is hole: otherwise colour of the removed object would bleed along
    the edge. So luma is exact outside the hole, and so is every chroma sample whose footprint has
    no hole pixel. Alpha is never changed.

    Args:
        hole: (1,H,W) or (H,W), non-zero = hole, in stored orientation.
        name: pixel format in ffmpeg.

    Returns:
        One bool mask for each plane of the format, at the plane's size in samples; for packed
        formats a mask over pixels that speaks of their colour samples.

    Raises:
        VideoError: the format is not one we paste into.
    """
    layout = layout_of(name)
    if layout is None:
        raise VideoError(
            f"Expected a pixel format we can paste into, got {name}; convert it first."
        )
    mask = hole.reshape(hole.shape[-2:]) > 0
    masks = {c.plane: footprint_any(mask, c.shift_x, c.shift_y) for c in layout.colours}
    if layout.alpha and layout.alpha.plane not in masks:
        masks[layout.alpha.plane] = torch.zeros_like(mask)
    return tuple(masks[plane] for plane in sorted(masks))
