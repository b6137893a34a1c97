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


class LgtsmError(Exception):
    """Base of every error raised on purpose; catch it to catch them all."""


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
