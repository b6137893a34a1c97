"""Every error this package raises on purpose.

LgtsmError
+-- OptionError (also ValueError)   an option outside its range
+-- ShapeError (also ValueError)    tensors that do not fit each other
+-- WeightsError                    weight files that cannot be used
+-- VideoError                      media that cannot be read or written
+-- DeviceError                     a device that is missing or too small
+-- Cancelled                       the caller asked to stop

Every message is one sentence: what was expected, what came, what to do.
"""

from __future__ import annotations

_LONGEST = 1000
"""Characters of a message; what a caller or a file wrote may be of any length."""
_LONGEST_VALUE = 80


def shortened(message: str) -> str:
    """Return a message, of a long one the beginning and the end: what was expected, what to do."""
    if len(message) <= _LONGEST:
        return message
    return f"{message[: _LONGEST * 2 // 3]} ... {message[-_LONGEST // 3 :]}"


def shown(value: object) -> str:
    """Return a value as messages show it, shortened where it is long."""
    try:
        text = repr(value) if isinstance(value, str) else str(value)
    except ValueError:  # Python writes no whole number of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


class LgtsmError(Exception):
    """Base of every error raised on purpose; catch it to catch them all."""

    def __init__(self, message: str = "") -> None:
        """Take one sentence; a long one is shortened."""
        super().__init__(shortened(message))


class OptionError(LgtsmError, ValueError):
    """An option has a value outside its range."""


class ShapeError(LgtsmError, ValueError):
    """Tensors, masks or clips do not fit each other, or hold values that are no pixels."""


class WeightsError(LgtsmError):
    """A weight file is missing, damaged, unsafe or does not fit the network."""


class VideoError(LgtsmError):
    """A media file cannot be read or written."""


class DeviceError(LgtsmError):
    """A device does not exist or has too little memory."""


class Cancelled(LgtsmError):  # noqa: N818  a wish of the caller's, not a mistake
    """The caller's cancel function asked to stop; nothing was left half-written."""


def told(error: Exception) -> tuple[bool, str]:
    """Return the sentence that the outermost level of a command shows for an error.

    Returns:
        Whether such an error is expected (of this package, or of the system's files), and the sentence.
    """
    if isinstance(error, LgtsmError):
        return True, str(error)
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename!s:.300}" if error.filename else "a file"
        return True, f"Expected to use {name}, got: {error.strerror}."
    lines = str(error).splitlines() or [""]
    reason = f"{type(error).__name__}: {lines[0]:.300}".rstrip(" .:")
    return False, f"Unexpected {reason}; add --debug to see where, and report it."
