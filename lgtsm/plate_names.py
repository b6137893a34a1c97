"""Plates as they are named: FILE, FILE@FRAME or a folder of painted key frames. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import OptionError, VideoError

if TYPE_CHECKING:
    from .copying.plates import Plate

_DIGITS = 10
"""A frame number has fewer."""


def plate_file(text: str) -> tuple[Path, int | None]:
    """Split FILE or FILE@FRAME into the file and its frame number; a FOLDER has none.

    Raises:
        OptionError: not a frame number, or no such file.
    """
    name, frame = text, None
    if not Path(text).exists() and "@" in text:
        name, _, number = text.rpartition("@")
        if not (number.isdecimal() and len(number) < _DIGITS):
            raise OptionError(
                f"Expected a plate as FILE@FRAME with a frame number, got {text!r}; count frames "
                "from 0."
            )
        frame = int(number)
    path = Path(name)
    if not path.is_file() and not (frame is None and path.is_dir()):
        raise OptionError(f"Expected a picture as plate, found no file {path}; correct the name.")
    return path, frame


def parse_plates(texts: Sequence[str]) -> tuple[Plate, ...]:
    """Read every FILE, FILE@FRAME or FOLDER.

    Raises:
        OptionError: as `plate_file`, or a file that is not a picture.
    """
    from .copying.plates import Plate
    from .key_frame_folder import read_plates
    from .video.image import read_picture

    plates: list[Plate] = []
    for text in texts:
        path, frame = plate_file(text)
        try:
            plates += read_plates(path) if path.is_dir() else [Plate(read_picture(path), frame)]
        except VideoError as error:
            raise OptionError(
                f"Expected pictures as plates, cannot read {path}; give PNG, JPEG or TIFF files."
            ) from error
    return tuple(plates)
