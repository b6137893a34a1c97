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
from av.video.plane import VideoPlane
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


def known_layout(name: str) -> Layout:
    """Return the layout of a pixel format of ours.

    Args:
        name: name in ffmpeg.

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
    """View a plane from the top of the picture down.

    Args:
        plane: plane of a frame.
        dtype: sample type as numpy writes it.

    Returns:
        (rows, samples with padding) over the frame's own memory; writing to it changes the frame.
    """
    rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
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
