"""The most that a node draws from nothing: a workflow may ask for any size, and may be anybody's."""

from __future__ import annotations

from ..lgtsm.errors import OptionError

_MOST_BYTES = 2**33
"""8 GiB: a thousand masks at 1080p."""


def check_clip(frames: int, height: int, width: int, *, channels: int) -> None:
    """Refuse a clip that is too large for the memory of most servers, before it is drawn.

    Args:
        frames: number of frames.
        height: in pixels.
        width: in pixels.
        channels: values that are held of every pixel.

    Raises:
        OptionError: more than 8 GiB.
    """
    size = frames * height * width * channels * 4  # float32
    if size > _MOST_BYTES:
        raise OptionError(
            f"Expected a clip of at most {_MOST_BYTES >> 30} GiB, got {frames} frames of "
            f"{width}x{height} with {size / 2**30:,.0f} GiB; lower their number or size."
        )
