"""Lists of frame numbers as users write and nodes show them: 0, 48."""

from __future__ import annotations

from collections.abc import Sequence

from ..lgtsm.errors import OptionError

_DIGITS = 10
"""A frame number has fewer."""


def frame_numbers(text: str, count: int, of: str, joined_by: str) -> list[int]:
    """Read a frame number for each of some pictures.

    Args:
        text: the numbers, between commas or spaces.
        count: of the pictures.
        of: what they are, for messages.
        joined_by: node that makes several of them one input, for messages.

    Raises:
        OptionError: not numbers, or not as many.
    """
    words = text.replace(",", " ").split()
    if not all(w.isdecimal() and len(w) < _DIGITS for w in words):
        raise OptionError(
            f"Expected frame numbers such as 12 or 0, 48, got {text!r:.80}; write numbers only, counted "
            "from 0."
        )
    if len(words) != count:
        raise OptionError(
            f"Expected one frame number for each of the {of} ({count}), got {len(words)} in {text!r:.80}; "
            f"write them such as 12 or 0, 48, counted from 0, and join several pictures by {joined_by}."
        )
    return [int(word) for word in words]


def listed(numbers: Sequence[int]) -> str:
    """Write frame numbers as `frame_numbers` reads them."""
    return ", ".join(map(str, numbers))
