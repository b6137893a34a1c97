"""Prompts as they are named: FILE@FRAME, X,Y,W,H@FRAME and X,Y@FRAME. No torch."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import OptionError, VideoError, shown

if TYPE_CHECKING:
    from .tracking.prompts import Prompt

_LOG = logging.getLogger(__name__)

_FRAMED = re.compile(r"(.+)@(\d{1,9})")
_FORM = "a painted frame as FILE@FRAME"
_BOX_FORM, _POINT_FORM = "a box as X,Y,WIDTH,HEIGHT@FRAME", "a point as X,Y@FRAME"
_NUMBERS = re.compile(r"-?\d{1,9}(,-?\d{1,9})+")


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


def painted_file(text: str) -> Path | None:
    """Return the file of FILE@FRAME; None for a box or a point.

    Raises:
        OptionError: another form.
    """
    return None if _count(text) in (2, 4) else Path(framed(text)[0])


def painted_files(texts: Sequence[str]) -> list[Path]:
    """Return the files of those prompts that are painted.

    Raises:
        OptionError: another form.
    """
    return [file for file in map(painted_file, texts) if file is not None]


def read_prompts(texts: Sequence[str]) -> list[Prompt]:
    """Read prompts of all forms; points of one frame are one prompt.

    Raises:
        OptionError: another form, or a file that is no picture.
    """
    kinds = {0: list[str](), 2: list[str](), 4: list[str]()}
    for text in texts:
        kinds[0 if painted_file(text) else _count(text)].append(text)
    return [*painted_prompts(kinds[0]), *box_prompts(kinds[4]), *point_prompts(kinds[2])]


def painted_prompts(texts: Sequence[str]) -> list[Prompt]:
    """Read every FILE@FRAME.

    Raises:
        OptionError: another form, or a file that is no picture.
    """
    from .tracking.prompts import Prompt
    from .video.read import read_masks

    found: list[Prompt] = []
    notes: dict[str, list[str]] = {}
    """Readings of pictures, each with the pictures that were read so."""
    for text in texts:
        name, frame = framed(text)
        told: list[str] = []
        if not Path(name).exists():
            raise OptionError(
                f"Expected a picture with the object in white, found no file {shown(name)}; check the path."
            )
        try:
            mask = next(read_masks(Path(name), tell=told.append))
        except VideoError as error:
            raise OptionError(
                f"Expected a picture with the object in white, got {shown(name)}, which cannot be read; "
                "give a PNG file."
            ) from error
        found.append(Prompt(frame=frame, mask=mask))
        for note in told:
            notes.setdefault(note.removeprefix(f"{Path(name)}: "), []).append(name)
    for note, names in notes.items():  # once, however many are painted
        _LOG.warning("%s: %s", ", ".join(names), note)
    return found


def box_prompts(texts: Sequence[str]) -> list[Prompt]:
    """Read every X,Y,W,H@FRAME.

    Raises:
        OptionError: another form, or a box without area.
    """
    from .tracking.prompts import Prompt

    found: list[Prompt] = []
    for text in texts:
        (left, top, width, height), frame = _numbers(text, 4, _BOX_FORM)
        found.append(Prompt(frame=frame, box=(left, top, width, height)))
    return found


def point_prompts(texts: Sequence[str], beside: Sequence[str] = ()) -> list[Prompt]:
    """Read every X,Y@FRAME; those of one frame are one prompt.

    Args:
        texts: points on the object.
        beside: points beside it.

    Raises:
        OptionError: another form, or points beside the object alone in a frame.
    """
    from .tracking.prompts import Prompt

    on, off = _points(texts), _points(beside)
    if alone := off.keys() - on.keys():
        raise OptionError(
            f"Expected --point on every frame with --not-point, got none on frame {min(alone)}; add "
            "a point on the object."
        )
    return [
        Prompt(frame=frame, points=points, not_points=off.get(frame, ()))
        for frame, points in on.items()
    ]


def _count(text: str) -> int:
    """Return how many numbers a prompt is; 0 where it is a file."""
    numbers = framed(text)[0].replace(" ", "")
    return numbers.count(",") + 1 if _NUMBERS.fullmatch(numbers) else 0


def _numbers(text: str, count: int, expected: str) -> tuple[list[int], int]:
    numbers, frame = framed(text.replace(" ", ""), expected)
    values = [int(part) for part in numbers.split(",")] if _NUMBERS.fullmatch(numbers) else []
    if len(values) != count:
        raise OptionError(f"Expected {expected}, got {shown(text)}; use whole pixels.")
    return values, frame


def _points(texts: Sequence[str]) -> dict[int, tuple[tuple[int, int], ...]]:
    points: dict[int, tuple[tuple[int, int], ...]] = {}
    for text in texts:
        (x, y), frame = _numbers(text, 2, _POINT_FORM)
        points[frame] = (*points.get(frame, ()), (x, y))
    return points
