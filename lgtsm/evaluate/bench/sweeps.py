"""Series of cases along one axis: frame size, area of the hole, length of the clip; no torch."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from .cases import PRESETS, BenchCase

_START = BenchCase(height=180, width=320, hole_ratio=0.08)
_SIZES = ((128, 128), (180, 320), (240, 432), (360, 640), (720, 1280), (1080, 1920))
_AREAS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
_LENGTHS = (16, 64, 250, 1000)
_LARGE_ROWS = 700
"""From here on fewer frames are computed together, as the engine does."""

SWEEPS: MappingProxyType[str, tuple[BenchCase, ...]] = MappingProxyType(
    {
        "sizes": tuple(
            replace(_START, height=h, width=w, chunk=2 if h >= _LARGE_ROWS else 4)
            for h, w in _SIZES
        ),
        "areas": tuple(replace(_START, height=360, width=640, hole_ratio=a) for a in _AREAS),
        "lengths": tuple(replace(_START, base_width=16, num_frames=n) for n in _LENGTHS),
    }
)
"""sizes: 128x128 to 1920x1080; areas: holes of 1 to 30 %; lengths: 16 to 1000 frames."""

ALL_PRESETS: MappingProxyType[str, tuple[BenchCase, ...]] = MappingProxyType({**PRESETS, **SWEEPS})
"""Everything `lgtsm bench --preset` knows."""
