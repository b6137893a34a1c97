"""What an image file carries beside its pixels that new images and films do not."""

from __future__ import annotations

import struct
from pathlib import Path

from PIL import Image

_ORIENTATION = 0x0112
"""EXIF tag; it is obeyed, so nothing is lost with it."""
_EXR_MAGIC, _EXR_PARTS = 20000630, 0x1000
"""First number of an OpenEXR file, and the bit of its version that tells of several parts."""
_EXR_SHOWN = frozenset("RGBAY")
_EXR_HEADER = 1 << 16
"""Bytes of a header that are searched for the list of channels."""


def extras_of(path: Path) -> list[str]:
    """Name what would be lost; nothing for a file that cannot be read.

    Returns:
        Among "EXIF", "XMP", "text" and "further layers (NAMES)".
    """
    try:
        if path.suffix.lower() == ".exr":
            return _exr_layers(path)
        with Image.open(path) as image:
            tags = set(image.getexif()) - {_ORIENTATION}
            found = {
                "EXIF": bool(tags) and "exif" in image.info,
                "XMP": any("xmp" in str(key).lower() for key in image.info),
                "text": "comment" in image.info
                or any("xmp" not in key.lower() for key in getattr(image, "text", ())),
            }
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return []
    return [name for name, is_there in found.items() if is_there]


def _exr_layers(path: Path) -> list[str]:
    """Name channels besides R, G, B, A and Y in the header of an OpenEXR file ("OpenEXR file layout")."""
    with path.open("rb") as file:
        data = file.read(_EXR_HEADER)
    if len(data) < 8 or struct.unpack_from("<I", data)[0] != _EXR_MAGIC:
        return []
    if struct.unpack_from("<I", data, 4)[0] & _EXR_PARTS:
        return ["further layers (several parts)"]
    start = data.find(b"channels\0chlist\0", 8)
    if start < 0:
        return []
    at, names = start + len(b"channels\0chlist\0") + 4, list[str]()
    while at < len(data) and data[at]:
        end = data.find(b"\0", at)
        if end < 0:
            break
        names.append(data[at:end].decode("ascii", "replace"))
        at = end + 1 + 16  # type, linearity and sampling of a channel
    more = sorted({name.rpartition(".")[0] or name for name in names if name not in _EXR_SHOWN})
    return [f"further layers ({', '.join(more)})"] if more else []
