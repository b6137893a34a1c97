"""Timecodes: the tag that numbers a file's first frame, advanced to the start of a range."""

from __future__ import annotations

import logging
import re
from fractions import Fraction

_log = logging.getLogger(__name__)

_TAG = "timecode"
_FORM = re.compile(r"(\d\d?):(\d\d):(\d\d)([:;.])(\d\d\d?)")


def moved_tags(tags: dict[str, str], frames: int, rate: Fraction) -> dict[str, str]:
    """Advance a timecode among the tags of a container or stream.

    A timecode that cannot be advanced is dropped with a warning, since a wrong one would place the
    file wrongly in a cut.

    Args:
        tags: metadata of a container or stream.
        frames: number of frames to advance by, 0 or more.
        rate: average frames per second of the video.
    """
    moved = dict(tags)
    # Matroska writes tag names in upper case.
    for key in [key for key in tags if frames and key.lower() == _TAG]:
        later = advance(tags[key], frames, rate)
        if later is None:
            _log.warning("The timecode %s is left out: it cannot be moved to the range.", tags[key])
            del moved[key]
        else:
            moved[key] = later
    return moved


def has_timecode(tags: dict[str, str]) -> bool:
    """Tell whether tags of a container or stream include a timecode."""
    return any(key.lower() == _TAG for key in tags)


def advance(timecode: str, frames: int, rate: Fraction) -> str | None:
    """Advance a timecode.

    Drop-frame counts as in SMPTE ST 12-1: the first two numbers (four at 60 frames per second) of
    every minute but each tenth are skipped.

    Args:
        timecode: "01:00:00:00"; ";" or "." before the frame number means drop-frame.
        frames: number of frames to advance by, 0 or more.
        rate: frames per second; 30000/1001 counts as 30.

    Returns:
        The timecode in the same form, modulo 24 hours; None if the text is no timecode, or
        drop-frame at another rate than 30 or 60.
    """
    match = _FORM.fullmatch(timecode.strip())
    second = round(rate)
    if match is None or second < 1:
        return None
    hours, minutes, seconds, mark, number = match.groups()
    minute = int(hours) * 60 + int(minutes)
    total = (minute * 60 + int(seconds)) * second + int(number)
    if mark == ":":
        total = (total + frames) % (86400 * second)
    else:
        if second not in (30, 60):
            return None
        skipped = second // 15
        total = total - skipped * (minute - minute // 10) + frames
        total = _with_gaps(total % (86400 * second - skipped * 1296), second, skipped)
    clock, number = divmod(total, second)
    width = len(match[5])
    return f"{clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02}{mark}{number:0{width}}"


def _with_gaps(count: int, second: int, skipped: int) -> int:
    """Convert a count of frames to a drop-frame number."""
    tens, rest = divmod(count, 600 * second - 9 * skipped)
    # The first minute of ten skips nothing.
    minutes = max(0, (rest - skipped) // (60 * second - skipped))
    return count + skipped * (9 * tens + minutes)
