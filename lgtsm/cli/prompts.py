"""Prompts on the command line: PAINTED.png@FRAME, X,Y,W,H@FRAME and X,Y@FRAME."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from ..errors import OptionError, shown
from ..prompt_names import framed, painted_prompts

if TYPE_CHECKING:
    from ..tracking.prompts import Prompt

_NUMBERS = re.compile(r"-?\d{1,9}(,-?\d{1,9})+")


def add_prompts(parser: argparse._ActionsContainer) -> None:
    """Add `--prompt`, `--box`, `--point` and `--not-point`."""
    parser.add_argument(
        "--prompt",
        action="append",
        default=[],
        metavar="PAINTED@FRAME",
        help="picture with the object painted white, and the number of its frame, counted from 0; "
        "may be repeated",
    )
    parser.add_argument(
        "--box",
        action="append",
        default=[],
        metavar="X,Y,W,H@FRAME",
        help="rectangle around the object in a frame; may be repeated",
    )
    parser.add_argument(
        "--point",
        action="append",
        default=[],
        metavar="X,Y@FRAME",
        help="a point on the object in a frame; may be repeated",
    )
    parser.add_argument(
        "--not-point",
        action="append",
        default=[],
        metavar="X,Y@FRAME",
        help="a point beside the object, on a frame with --point; may be repeated",
    )


def read_prompts(arguments: argparse.Namespace) -> list[Prompt]:
    """Read all prompts of a command.

    Raises:
        OptionError: one of another form, or a file that is no picture.
    """
    from ..tracking.prompts import Prompt

    found = painted_prompts(arguments.prompt)
    for text in arguments.box:
        expected = "a box as X,Y,WIDTH,HEIGHT@FRAME"
        (left, top, width, height), frame = _numbers(text, 4, expected)
        found.append(Prompt(frame=frame, box=(left, top, width, height)))
    on, beside = (_points(texts) for texts in (arguments.point, arguments.not_point))
    if alone := beside.keys() - on.keys():
        raise OptionError(
            f"Expected --point on every frame with --not-point, got none on frame {min(alone)}; add "
            "a point on the object."
        )
    found += [
        Prompt(frame=frame, points=points, not_points=beside.get(frame, ()))
        for frame, points in on.items()
    ]
    if not found:
        raise OptionError(
            "Expected the object in one frame at least, got nothing; add --prompt PAINTED.png@FRAME."
        )
    return found


def _numbers(text: str, count: int, expected: str) -> tuple[list[int], int]:
    numbers, frame = framed(text.replace(" ", ""), expected)
    values = [int(part) for part in numbers.split(",")] if _NUMBERS.fullmatch(numbers) else []
    if len(values) != count:
        raise OptionError(f"Expected {expected}, got {shown(text)}; use whole pixels.")
    return values, frame


def _points(texts: list[str]) -> dict[int, tuple[tuple[int, int], ...]]:
    points: dict[int, tuple[tuple[int, int], ...]] = {}
    for text in texts:
        (x, y), frame = _numbers(text, 2, "a point as X,Y@FRAME")
        points[frame] = (*points.get(frame, ()), (x, y))
    return points
