"""Memory layout of a pixel format: planes, order, subsampling, depth.

Only formats described here are pasted into; `native.supported` converts any other into one.
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
from av.video.plane import VideoPlane
from torch import Tensor

from ..errors import VideoError


class Family(Enum):
    """Colour model."""

    YUV = "yuv"
    RGB = "rgb"
    GRAY = "gray"


@dataclass(frozen=True)
class Component:
    """One channel of a format."""

    plane: int
    """Index of its plane."""
    offset: int = 0
    """Index of its first sample in a row."""
    step: int = 1
    """Samples from one pixel to the next in a row."""
    shift_x: int = 0
    """One sample covers 2^shift_x columns."""
    shift_y: int = 0
    """One sample covers 2^shift_y rows."""


@dataclass(frozen=True)
class Layout:
    """A pixel format."""

    name: str
    """Name in ffmpeg."""
    family: Family
    """Colour model."""
    bits: int
    """Bits used of each sample (8 to 16), or 32 for floating point."""
    dtype: str
    """Sample type in numpy's notation."""
    colours: tuple[Component, ...]
    """Channels in the order R,G,B or Y,Cb,Cr or Y."""
    alpha: Component | None = None
    """Opacity."""
    full: bool = False
    """Full range by name (the old yuvj formats)."""

    @property
    def is_float(self) -> bool:
        """Samples are floating-point numbers, 1 is white."""
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
    channels = {letter: Component(0, i, len(order)) for i, letter in enumerate(order)}
    gray = "y" in order
    family = Family.GRAY if gray else Family.RGB
    colours = tuple(channels[letter] for letter in ("y" if gray else "rgb"))
    return Layout(name, family, bits, dtype, colours, channels.get("a"))


@cache
def layout_of(name: str) -> Layout | None:
    """Return the layout of a pixel format ("yuv420p10le"), None where we cannot paste into it."""
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
        # The planes are green, blue, red.
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


def known_layout(name: str) -> Layout:
    """Return the layout of a pixel format that has one.

    Raises:
        VideoError: samples of that format are not read or written.
    """
    layout = layout_of(name)
    if layout is None:
        raise VideoError(
            f"Expected a pixel format that can be read and written, got {name}; convert it first."
        )
    return layout


def plane_rows(plane: VideoPlane, dtype: str = "u1") -> np.ndarray:
    """View a plane, top row first.

    Args:
        plane: plane of a frame.
        dtype: sample type in numpy's notation.

    Returns:
        (rows, samples with padding), a view of the frame's memory: writing changes the frame.
    """
    rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
    # Some decoders (raw AVI) store the bottom row first, with a negative line size.
    return rows[::-1] if plane.line_size < 0 else rows


def samples(frame: av.VideoFrame, layout: Layout, component: Component) -> np.ndarray:
    """View the samples of one channel of a frame of a layout.

    Returns:
        (h,w) at the channel's subsampling, a view of the frame's memory: writing changes the frame.
    """
    rows = plane_rows(frame.planes[component.plane], layout.dtype)
    width = -(-frame.width >> component.shift_x)
    height = -(-frame.height >> component.shift_y)
    return rows[:height, component.offset :: component.step][:, :width]


def read_samples(frame: av.VideoFrame, layout: Layout, component: Component) -> Tensor:
    """Copy the samples of one channel of a frame of a layout.

    Returns:
        (h,w) float32, unscaled sample values (0 to 65535 at most).
    """
    return torch.from_numpy(samples(frame, layout, component).astype(np.float32))
