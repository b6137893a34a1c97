"""Timecodes: the tag that numbers a file's first frame, moved on where a range begins later."""

from __future__ import annotations

import logging
import re
from fractions import Fraction

_log = logging.getLogger(__name__)

_TAG = "timecode"
_FORM = re.compile(r"(\d\d?):(\d\d):(\d\d)([:;.])(\d\d\d?)")


def moved_tags(tags: dict[str, str], frames: int, rate: Fraction) -> dict[str, str]:
    """Make a timecode among tags that of a later frame.

    Args:
        tags: metadata of a container or stream.
        frames: how many frames later, 0 or more.
        rate: average frames per second of the picture.

    Returns:
        The tags; a timecode that cannot be counted on is left out with a warning, since a wrong
        one would put the file in the wrong place of a cut.
    """
    moved = dict(tags)
    # Matroska spells its tags in capitals.
    for key in [key for key in tags if frames and key.lower() == _TAG]:
        later = advance(tags[key], frames, rate)
        if later is None:
            _log.warning("The timecode %s is left out: it cannot be moved to the range.", tags[key])
            del moved[key]
        else:
            moved[key] = later
    return moved


def has_timecode(tags: dict[str, str]) -> bool:
    """Tell whether tags of a container or stream hold a timecode."""
    return any(key.lower() == _TAG for key in tags)


def advance(timecode: str, frames: int, rate: Fraction) -> str | None:
    """Count a timecode on.

    Args:
        timecode: as "01:00:00:00"; ";" or "." before the frame says drop-frame.
        frames: how many frames later, 0 or more.
        rate: frames per second; 30000/1001 counts as 30.

    Returns:
        The later timecode in the same form, within 24 hours; None if it is none, or drop-frame at
        a rate that has no such count. (Drop-frame as in SMPTE ST 12-1: the first two numbers of
        each minute but every tenth are skipped at 30, four at 60.)
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
    """Turn a count of frames into a number on the clock that skips some in most minutes."""
    tens, rest = divmod(count, 600 * second - 9 * skipped)
    # The first minute of ten is whole, the others are short.
    minutes = max(0, (rest - skipped) // (60 * second - skipped))
    return count + skipped * (9 * tens + minutes)
