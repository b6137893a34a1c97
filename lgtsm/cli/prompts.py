"""Prompts on the command line: PAINTED.png@FRAME, X,Y,W,H@FRAME and X,Y@FRAME."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..errors import OptionError
from ..prompt_names import box_prompts, painted_prompts, point_prompts

if TYPE_CHECKING:
    from ..tracking.prompts import Prompt


def add_prompts(parser: argparse._ActionsContainer) -> None:
    """Add `--prompt`, `--box`, `--point` and `--not-point`."""
    parser.add_argument(
        "--prompt",
        action="append",
        default=[],
        metavar="PAINTED@FRAME",
        help="picture with the object erased, or painted white on black, and the number of its frame, "
        "counted from 0; may be repeated",
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
    found = painted_prompts(arguments.prompt) + box_prompts(arguments.box)
    found += point_prompts(arguments.point, arguments.not_point)
    if not found:
        raise OptionError(
            "Expected the object in one frame at least, got nothing; add --prompt PAINTED.png@FRAME."
        )
    return found
