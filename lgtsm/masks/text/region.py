"""The part of the picture in which text is looked for, as users write it."""

from __future__ import annotations

from ...box import Box
from ...errors import OptionError
from ..boxes import MaskBox


def text_region(text: str, size: tuple[int, int]) -> Box:
    """Read X,Y,W,H as the part of it that lies in a picture of a size (height, width).

    Raises:
        OptionError: another form, a box with frames, or one outside the picture.
    """
    given = MaskBox.parse(text)
    if given.start or given.end is not None:
        raise OptionError(
            f"Expected a region without frames, got {text}; leave them out, and on the command line use "
            "--range for these."
        )
    bottom, right = given.top + given.height, given.left + given.width
    region = Box(given.top, given.left, bottom, right) & Box(0, 0, *size)
    if region.is_empty:
        raise OptionError(
            f"Expected a region inside {size[1]}x{size[0]}, got {text}; move it into the picture."
        )
    return region
