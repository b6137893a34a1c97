"""What may be added to a mask; no torch."""

from __future__ import annotations

from enum import Enum

from ..errors import OptionError, shown


class Addition(Enum):
    """A part of an object that masks often lack."""

    SHADOW = "shadow"
    """What the object darkens."""
    RIM = "rim"
    """What looks like the object at its edge: a rim, a hand, a handle."""


ALL = tuple(Addition)


def parse_additions(text: str) -> tuple[Addition, ...]:
    """Read words such as `shadow,rim`.

    Raises:
        OptionError: another word, or none.
    """
    words = text.replace(",", " ").split()
    try:
        found = {Addition(word) for word in words}
    except ValueError:
        found = set[Addition]()
    if not found:
        raise OptionError(
            f"Expected shadow, rim or shadow,rim to complete a mask with, got {shown(text)}; correct it."
        )
    return tuple(kind for kind in Addition if kind in found)
