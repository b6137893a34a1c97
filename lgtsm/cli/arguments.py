"""Arguments that several commands share: options as flags, models, sizes, plates."""

from __future__ import annotations

import argparse
import re
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..knobs import Options, knobs
from ..mask_options import GROW_PX, TRACKED_GROW_PERCENT, MaskOptions
from ..neighbour_options import NeighbourOptions
from ..options import InpaintOptions, RunOptions, VideoOptions
from ..track_options import TrackOptions

_METAVARS = {int: "N", float: "X", str: "NAME", Fraction: "FPS"}


def add_option(
    parser: argparse._ActionsContainer,
    options: type[Options],
    name: str,
    *,
    more: str = "",
    **changes: Any,
) -> None:
    """Add the flag of one option: its name, with dashes.

    Args:
        parser: parser or group.
        options: the options class.
        name: of the option.
        more: end of its text.
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
    text = f"{text} {more}".rstrip()
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
            changes: dict[str, Any] = {"default": defaults[name]} if name in defaults else {}
            add_option(parser, options, name, **changes)


def add_model(parser: argparse._ActionsContainer) -> None:
    """Add `--model`."""
    parser.add_argument(
        "--model", metavar="NAME", help="built-in network or weight file (see `lgtsm models`)"
    )


def add_film_options(
    parser: argparse.ArgumentParser, *, skip: tuple[str, ...] = ()
) -> dict[str, argparse._ArgumentGroup]:
    """Add the model, the options of films but their cuts, and those of messages.

    Args:
        parser: of the command.
        skip: options of videos that it does not have.

    Returns:
        The groups by name, for what else a command adds to them.
    """
    add_model(parser)
    names = ("fill", "mask", "run", "track", "video", "messages")
    groups = {name: parser.add_argument_group(name) for name in names}
    fill, messages = groups["fill"], groups["messages"]
    add_options(fill, InpaintOptions, skip=("cuts", "synthesiser"))
    add_option(fill, InpaintOptions, "synthesiser", metavar="FILE")
    for name in knobs(NeighbourOptions):
        metavar = {"metavar": "FILE"} if name.endswith("model") else {}
        add_option(fill, NeighbourOptions, name, **metavar)
    add_options(groups["mask"], MaskOptions, skip=("grow_percent",), grow=GROW_PX)
    add_option(
        groups["mask"],
        MaskOptions,
        "grow_percent",
        default=None,
        more=f"[0; for a mask that is tracked first {TRACKED_GROW_PERCENT}]",
    )
    add_options(groups["run"], RunOptions)
    add_options(groups["track"], TrackOptions)
    add_options(groups["video"], VideoOptions, skip=skip)
    messages.add_argument("--quiet", action="store_true", help="no bar, no summary, only errors")
    messages.add_argument(
        "--progress",
        choices=("bar", "lines"),
        default="bar",
        help="bar on a terminal; or lines on stderr for programs that run this one, `progress DONE/TOTAL NOTE` at "
        "every step, in frames, TOTAL 0 while it is unknown [bar]",
    )
    messages.add_argument("-v", "--verbose", action="store_true", help="log more to stderr")
    return groups


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
        "--mask", type=Path, metavar="MASK", help="still image, video or folder; white is removed"
    )
    hole.add_argument(
        "--box",
        action="append",
        metavar="X,Y,W,H[@A-B]",
        help="rectangle to remove, in frames A to B (B not included); may be repeated",
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
