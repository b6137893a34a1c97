"""Painted frames as they are named: FILE@FRAME. No torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import OptionError, VideoError, shown

if TYPE_CHECKING:
    from .tracking.prompts import Prompt

_FRAMED = re.compile(r"(.+)@(\d{1,9})")
_FORM = "a painted frame as FILE@FRAME"


def framed(text: str, expected: str = _FORM) -> tuple[str, int]:
    """Split WHAT@FRAME; `expected` names the form in the error.

    Raises:
        OptionError: another form.
    """
    match = _FRAMED.fullmatch(text)
    if match is None:
        raise OptionError(
            f"Expected {expected}, got {shown(text)}; add @ and the number of the frame."
        )
    return match[1], int(match[2])


def painted_file(text: str) -> Path:
    """Return the file of FILE@FRAME.

    Raises:
        OptionError: another form.
    """
    return Path(framed(text)[0])


def painted_prompts(texts: Sequence[str]) -> list[Prompt]:
    """Read every FILE@FRAME.

    Raises:
        OptionError: another form, or a file that is no picture.
    """
    from .tracking.prompts import Prompt
    from .video.read import read_masks

    found: list[Prompt] = []
    for text in texts:
        name, frame = framed(text)
        try:
            mask = next(read_masks(Path(name)))
        except VideoError as error:
            raise OptionError(
                f"Expected a picture with the object in white, got {shown(name)}, which cannot be read; "
                "give a PNG file."
            ) from error
        found.append(Prompt(frame=frame, mask=mask))
    return found
