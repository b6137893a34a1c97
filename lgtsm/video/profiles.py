"""Colour profiles (ICC) of images: what their numbers mean, kept in PNG and told elsewhere."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from PIL import Image

_SIGNATURE_AND_SIZE = 33
"""Bytes of a PNG before all other chunks."""


def read_profile(path: Path) -> bytes | None:
    """Return the colour profile of an image file, None without one or where it cannot be read."""
    try:
        with Image.open(path) as image:
            profile = image.info.get("icc_profile")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    return profile or None


def is_srgb(profile: bytes) -> bool:
    """Tell whether a profile is, by its name, the one that images without a profile have."""
    return b"sRGB" in profile or "sRGB".encode("utf-16-be") in profile


def fits(profile: bytes, *, gray: bool) -> bool:
    """Tell whether a profile describes grey or RGB samples, by its header."""
    return profile[16:20] == (b"GRAY" if gray else b"RGB ")


def with_profile(png: bytes, profile: bytes) -> bytes:
    """Return the bytes of a PNG with a colour profile (its chunk iCCP)."""
    content = b"ICC profile\0\0" + zlib.compress(profile)
    checked = b"iCCP" + content
    chunk = struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
    return png[:_SIGNATURE_AND_SIZE] + chunk + png[_SIGNATURE_AND_SIZE:]
