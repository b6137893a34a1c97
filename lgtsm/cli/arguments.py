"""Arguments that several commands share: options as flags, models, sizes, plates."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import OptionError, VideoError
from ..knobs import Options, knobs
from ..options import InpaintOptions

if TYPE_CHECKING:
    from ..copying.plates import Plate

_DIGITS = 10
"""Longest frame number, in digits."""
_METAVARS = {int: "N", float: "X", str: "NAME", Fraction: "FPS"}


def add_option(
    parser: argparse._ActionsContainer, options: type[Options], name: str, **changes: Any
) -> None:
    """Add the flag of one option: its name, with dashes.

    Args:
        parser: parser or group.
        options: the options class.
        name: of the option.
        changes: settings of `add_argument` that differ; a default is the option's plain value.
    """
    knob = knobs(options)[name]
    if knob.kind is bool:
        settings: dict[str, Any] = {"action": "store_true"}
    elif issubclass(knob.kind, Enum):
        settings = {"choices": [member.value for member in knob.kind]}
        settings["default"] = knob.default.value
    else:
        kind = _fraction if knob.kind is Fraction else knob.kind
        settings = {"type": kind, "metavar": _METAVARS.get(knob.kind), "default": knob.default}
    settings |= changes
    text = knob.text[0].lower() + knob.text[1:].rstrip(".")
    if knob.limits is not None:
        text += " ({:g} to {:g})".format(*map(float, knob.limits))
    if settings.get("default") is not None:
        text += f" [{settings['default']}]"
    settings = {"help": text.replace("%", "%%"), **settings}
    parser.add_argument("--" + name.replace("_", "-"), **settings)


def add_options(
    parser: argparse._ActionsContainer,
    options: type[Options],
    *,
    skip: tuple[str, ...] = (),
    **defaults: object,
) -> None:
    """Add the flags of all options of a class.

    Args:
        parser: parser or group.
        options: the options class.
        skip: options that get their flag elsewhere.
        defaults: plain values that differ from those of the class.
    """
    for name in knobs(options):
        if name not in skip:
            changes = {"default": defaults[name]} if name in defaults else {}
            add_option(parser, options, name, **changes)


def add_model(parser: argparse._ActionsContainer) -> None:
    """Add `--model`."""
    parser.add_argument(
        "--model", metavar="NAME", help="built-in network or weight file (see `lgtsm models`)"
    )


def _fraction(text: str) -> Fraction:
    """Read 25 or 24000/1001."""
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise argparse.ArgumentTypeError(
            f"expected a rate such as 25 or 24000/1001, got {text!r}"
        ) from error


def parse_cuts(text: str) -> tuple[int, ...]:
    """Read frame numbers such as 12,40."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"expected frame numbers such as 12,40, got {text!r}"
        ) from error


def parse_size(text: str) -> tuple[int, int]:
    """Read WIDTHxHEIGHT, such as 640x360.

    Returns:
        (height, width), each 1 or more.

    Raises:
        ArgumentTypeError: anything else; argparse turns it into a usage error.
    """
    match = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text.strip())
    if match is None or 0 in (int(match[1]), int(match[2])):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT such as 640x360, got {text!r}")
    return int(match[2]), int(match[1])


def add_hole(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """Add `--mask` and `--box`, of which one is needed; return their group."""
    hole = parser.add_mutually_exclusive_group(required=True)
    hole.add_argument(
        "--mask", type=Path, metavar="MASK", help="still image, video or folder; white is the hole"
    )
    hole.add_argument(
        "--box",
        action="append",
        metavar="X,Y,W,H[@A-B]",
        help="rectangle as the hole, in frames A to B (B not included); may be repeated",
    )
    return hole


def add_cuts(parser: argparse._ActionsContainer) -> None:
    """Add `--cuts` and `--no-cuts`."""
    cuts = parser.add_mutually_exclusive_group()
    add_option(cuts, InpaintOptions, "cuts", type=parse_cuts, metavar="N,N")
    cuts.add_argument(
        "--no-cuts", dest="cuts", action="store_const", const=(), help="there are no cuts"
    )


def add_plates(parser: argparse._ActionsContainer) -> None:
    """Add `--plate`."""
    parser.add_argument(
        "--plate",
        action="append",
        default=[],
        dest="plates",
        metavar="FILE[@FRAME]|FOLDER",
        help="clean plate or painted frame, with the number of its frame if it has one, or a folder of "
        "painted key frames (see `lgtsm keyframes`); takes precedence over all other fills; may be "
        "repeated",
    )


def plate_file(text: str) -> tuple[Path, int | None]:
    """Split FILE or FILE@FRAME into the file and its frame number; a FOLDER has none.

    Raises:
        OptionError: not a frame number, or no such file.
    """
    name, frame = text, None
    if not Path(text).exists() and "@" in text:
        name, _, number = text.rpartition("@")
        if not (number.isdecimal() and len(number) < _DIGITS):
            raise OptionError(
                f"Expected a plate as FILE@FRAME with a frame number, got {text!r}; count frames "
                "from 0."
            )
        frame = int(number)
    path = Path(name)
    if not path.is_file() and not (frame is None and path.is_dir()):
        raise OptionError(f"Expected a picture as plate, found no file {path}; correct the name.")
    return path, frame


def parse_plates(texts: Sequence[str]) -> tuple[Plate, ...]:
    """Read every FILE, FILE@FRAME or FOLDER.

    Raises:
        OptionError: as `plate_file`, or a file that is not a picture.
    """
    from ..copying.plates import Plate
    from ..key_frame_folder import read_plates
    from ..video.image import read_picture

    plates: list[Plate] = []
    for text in texts:
        path, frame = plate_file(text)
        try:
            plates += read_plates(path) if path.is_dir() else [Plate(read_picture(path), frame)]
        except VideoError as error:
            raise OptionError(
                f"Expected pictures as plates, cannot read {path}; give PNG, JPEG or TIFF files."
            ) from error
    return tuple(plates)
