"""Reference pictures as the command line names them."""

from __future__ import annotations

from pathlib import Path

from ..copying.plates import Plate
from ..errors import OptionError, VideoError
from ..video.picture import read_picture


def parse_plate(text: str) -> Plate:
    """Read FILE or FILE@FRAME.

    Raises:
        OptionError: a frame number that is none, or a file that is no picture.
    """
    name, frame = text, None
    if not Path(text).exists() and "@" in text:
        name, _, number = text.rpartition("@")
        if not number.isdigit():
            raise OptionError(
                f"Expected a reference as FILE@FRAME with a frame number, got {text!r}; count "
                "frames from 0."
            )
        frame = int(number)
    path = Path(name)
    if not path.is_file():
        raise OptionError(f"Expected a picture as reference, found no file {path}; correct it.")
    try:
        picture = read_picture(path)
    except VideoError as error:
        raise OptionError(
            f"Expected a picture as reference, cannot read {path}; give a PNG, JPEG or TIFF file."
        ) from error
    return Plate(picture, frame)
