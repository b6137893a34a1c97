"""What the inputs of an ONNX file want: which one is the picture, layout, number type, size, range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from ..errors import WeightsError, shown
from ..options import MaskSense, PixelRange

RANGE, MASK = "lgtsm.range", "lgtsm.mask"
"""Names in a file's metadata: of the picture's range, and of what is white in the mask."""
_TYPES = MappingProxyType(
    {
        "tensor(float)": torch.float32,
        "tensor(float16)": torch.float16,
        "tensor(double)": torch.float64,
        "tensor(uint8)": torch.uint8,
        "tensor(int32)": torch.int32,
        "tensor(int64)": torch.int64,
        "tensor(bool)": torch.bool,
    }
)
_PICTURE_TYPES = (torch.float32, torch.float16, torch.float64, torch.uint8)
Choice = TypeVar("Choice", bound=Enum)


class Described(Protocol):
    """An input as onnxruntime describes it; a side of any length is a name or None."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def type(self) -> str: ...  # noqa: D102
    @property
    def shape(self) -> Sequence[int | str | None]: ...  # noqa: D102


@dataclass(frozen=True)
class Port:
    """One input.

    channels_last: (1,h,w,C) instead of (1,C,h,w).
    size: (height, width); None where any is taken.
    """

    name: str
    dtype: torch.dtype
    channels_last: bool
    size: tuple[int, int] | None

    def laid_out(self, values: Tensor) -> Tensor:
        """Return values (1,C,h,w) in the layout and type of the input, on the CPU."""
        values = values.permute(0, 2, 3, 1) if self.channels_last else values
        return values.to("cpu", self.dtype).contiguous()


@dataclass(frozen=True)
class Ports:
    """Both inputs.

    range: numbers for black and white, never auto.
    mask_sense: what is white in the mask, never auto.
    """

    picture: Port
    mask: Port
    range: PixelRange
    mask_sense: MaskSense

    def feed(self, picture: Tensor, hole: Tensor) -> dict[str, Tensor]:
        """Return what the inputs take.

        Args:
            picture: (1,3,h,w) in [0,1].
            hole: (1,1,h,w) 0 or 1; the picture is 0 there, in the numbers of the file, as most
                networks were trained.
        """
        low, high = LIMITS[self.range]
        values = low + picture * (high - low)
        values = values.round() if self.picture.dtype is torch.uint8 else values
        values = values * (1 - hole)
        mask = 1 - hole if self.mask_sense is MaskSense.KNOWN else hole
        both_bytes = self.mask.dtype is self.picture.dtype is torch.uint8
        mask = mask * 255 if both_bytes else mask
        ports = ((self.picture, values), (self.mask, mask))
        return {port.name: port.laid_out(value) for port, value in ports}


LIMITS: Mapping[PixelRange, tuple[float, float]] = MappingProxyType(
    {PixelRange.UNIT: (0.0, 1.0), PixelRange.SIGNED: (-1.0, 1.0), PixelRange.BYTES: (0.0, 255.0)}
)
"""Numbers for black and white."""


def read_ports(
    inputs: Sequence[Described],
    metadata: Mapping[str, str],
    file: str,
    *,
    pixel_range: PixelRange = PixelRange.AUTO,
    mask_sense: MaskSense = MaskSense.AUTO,
) -> Ports:
    """Find out what the inputs of a file want.

    Args:
        inputs: as the file describes them.
        metadata: of the file.
        file: its name, for messages.
        pixel_range: of the picture, where the user knows better.
        mask_sense: of the mask, where the user knows better.

    Raises:
        WeightsError: not a picture and a mask of one size.
    """
    masks = [x for x in inputs if _is_mask(x)]
    pictures = [x for x in inputs if x not in masks]
    if len(masks) != 1 or len(pictures) != 1:
        listed = ", ".join(f"{x.name} {shown(list(x.shape))}" for x in inputs) or "none"
        raise WeightsError(
            f"Expected two inputs in {file}, a picture (1,3,h,w) and a mask (1,1,h,w), got {listed}; "
            "export the model with these two."
        )
    picture, mask = _port(pictures[0], 3, file), _port(masks[0], 1, file)
    if picture.dtype not in _PICTURE_TYPES or picture.size != mask.size:
        raise WeightsError(
            f"Expected a picture of floats or bytes and a mask of its size in {file}, got "
            f"{pictures[0].type} {shown(list(pictures[0].shape))} and {shown(list(masks[0].shape))}; "
            "export the model with these."
        )
    pixel_range = _choose(pixel_range, metadata.get(RANGE), file)
    if pixel_range is PixelRange.AUTO:
        is_bytes = picture.dtype is torch.uint8
        pixel_range = PixelRange.BYTES if is_bytes else PixelRange.UNIT
    if picture.dtype is torch.uint8 and pixel_range is not PixelRange.BYTES:
        raise WeightsError(
            f"Expected the range 0..255 for {file}, whose picture is bytes, got {pixel_range.value}; "
            "correct it."
        )
    sense = _choose(mask_sense, metadata.get(MASK), file)
    return Ports(picture, mask, pixel_range, MaskSense.HOLE if sense is MaskSense.AUTO else sense)


def _is_mask(one: Described) -> bool:
    """Tell a mask by its number of channels, where the file names none by its name."""
    if len(one.shape) == 4:
        channels = {one.shape[1], one.shape[3]}
        if 3 in channels or 1 in channels:
            return 3 not in channels
    return any(word in one.name.lower() for word in ("mask", "hole"))


def _port(one: Described, channels: int, file: str) -> Port:
    shape, dtype = list(one.shape), _TYPES.get(one.type)
    is_free = not (len(shape) == 4 and isinstance(shape[0], int) and shape[0] != 1)
    last = len(shape) == 4 and shape[1] != channels and shape[3] == channels
    sides = shape[1:3] if last else shape[2:]
    known = [side for side in sides if isinstance(side, int) and side > 0]
    fits = len(shape) == 4 and (last or shape[1] == channels or not isinstance(shape[1], int))
    if dtype is None or not is_free or not fits or len(known) == 1:
        raise WeightsError(
            f"Expected the input {one.name} of {file} as numbers (1,{channels},h,w) or "
            f"(1,h,w,{channels}), both sides fixed or both free, got {one.type} {shown(shape)}; "
            "export the model with such an input."
        )
    return Port(one.name, dtype, last, (known[0], known[1]) if known else None)


def _choose(given: Choice, noted: str | None, file: str) -> Choice:
    """Return what the user gave, else what the metadata note."""
    kind = type(given)
    if given is not kind["AUTO"] or noted is None:
        return given
    try:
        return kind(noted)
    except ValueError as error:
        words = ", ".join(str(member.value) for member in kind)
        raise WeightsError(
            f"Expected one of {words} in the metadata of {file}, got {shown(noted)}; give the option "
            "instead."
        ) from error
