"""Static HDR metadata (HDR10): colour volume of the mastering display, and light levels."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import av

from .native import side_data

_RATIONALS, _FLAGS = 10, 2  # AVMasteringDisplayMetadata of ffmpeg, libavutil
_PRIMARY_UNITS, _LIGHT_UNITS = 50000, 10000  # of the SEI messages (H.265, D.2.28)


@dataclass(frozen=True, kw_only=True)
class StaticHdr:
    """The two messages of HDR10, in the integers of H.265."""

    mastering: tuple[int, ...] | None = None
    """x, y of red, green, blue, white in 1/50000; least and greatest luminance in 1/10000 cd/m2."""
    light: tuple[int, int] | None = None
    """Greatest luminance of a pixel and greatest frame average in cd/m2 (MaxCLL, MaxFALL)."""

    def x265_params(self) -> str:
        """Return them as parameters of the encoder x265, "key=value:key=value"."""
        parts = []
        if self.mastering is not None:
            *points, least, most = self.mastering
            red, green, blue, white = (f"({points[i]},{points[i + 1]})" for i in range(0, 8, 2))
            parts.append(f"master-display=G{green}B{blue}R{red}WP{white}L({most},{least})")
        if self.light is not None:
            parts.append(f"max-cll={self.light[0]},{self.light[1]}")
        return ":".join(parts)


def hdr_of(frame: av.VideoFrame) -> StaticHdr | None:
    """Return the HDR10 metadata of a decoded frame, None without any.

    A mastering display must have both colours and luminance to count.
    """
    side = side_data(frame)
    display, light = side.get("MASTERING_DISPLAY_METADATA"), side.get("CONTENT_LIGHT_LEVEL")
    mastering = None if display is None else _mastering(bytes(display))
    levels = None if light is None else struct.unpack("=2I", bytes(light)[:8])
    if mastering is None and levels is None:
        return None
    return StaticHdr(mastering=mastering, light=levels)


def _mastering(data: bytes) -> tuple[int, ...] | None:
    numbers = struct.unpack_from(f"={2 * _RATIONALS + _FLAGS}i", data)
    if not all(numbers[-_FLAGS:]):
        return None
    pairs = zip(numbers[0 : 2 * _RATIONALS : 2], numbers[1 : 2 * _RATIONALS : 2], strict=True)
    values = [num / den if den else 0.0 for num, den in pairs]
    units = [_PRIMARY_UNITS] * 8 + [_LIGHT_UNITS] * 2
    return tuple(round(value * unit) for value, unit in zip(values, units, strict=True))
