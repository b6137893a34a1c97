"""`lgtsm check`: what one job changed, and the quality of its fill, from the files."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..interruption import Interruption
from ..options import GROW_PX, CheckLimits, MaskOptions, VideoOptions
from .arguments import add_option, add_options
from .terminal import progress_bar

if TYPE_CHECKING:
    from torch import Tensor

    from ..video.frame import Frame

_EPILOG = f"""MASK is the mask that was used: the file of `lgtsm inpaint --mask-used`, or the original mask with
the same --grow ({GROW_PX} in `lgtsm inpaint` by default).

A lossy encoder changes every pixel a little: allow for it with --tolerance, or write --lossless.

exit codes: 0 passed, 1 failed or files that do not match
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "check",
        help="check that a result changed nothing outside its mask",
        description="Compare a result with its source: changes outside the mask; seam, flicker and "
        "remains of the object inside it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, text in (
        ("original", "the source: video file or folder of images"),
        ("result", "the repaired clip: video file or folder of images"),
        ("mask", "still image, video or folder; white is the hole"),
    ):
        parser.add_argument(name, type=Path, metavar=name.upper(), help=text)
    group = parser.add_argument_group("limits")
    add_option(
        group,
        CheckLimits,
        "margin",
        default=None,
        help="pixels beside the mask that may change too; without it as many as share a chroma "
        "sample with it",
    )
    add_options(group, CheckLimits, skip=("margin",))
    add_options(parser.add_argument_group("mask"), MaskOptions)
    group = parser.add_argument_group("range")
    add_option(group, VideoOptions, "start", help="frame of ORIGINAL at which RESULT begins [0]")
    add_option(group, VideoOptions, "end", help="frame of ORIGINAL after the last one")
    group = parser.add_argument_group("messages")
    group.add_argument("--json", action="store_true", help="print the figures as JSON")
    group.add_argument("--quiet", action="store_true", help="no bar")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Check, print the figures, and return 0 if it passed."""
    from ..metrics.check import Checker

    options = MaskOptions.of(vars(arguments))
    margin = arguments.margin or 0
    checker = Checker(CheckLimits.of(vars(arguments), margin=margin))
    with progress_bar("check", quiet=arguments.quiet) as bar:
        for done, (original, result, hole) in enumerate(_triples(arguments, options), 1):
            if done == 1 and arguments.margin is None:
                # the largest distance at which a pixel can share a chroma sample with a hole pixel
                shifts = original.layout.shifts + result.layout.shifts
                margin = (1 << max(shifts)) - 1
                checker = Checker(CheckLimits.of(vars(arguments), margin=margin))
            checker.add(original.rgb(), result.rgb(), hole)
            bar(done, 0, "")
            if interruption.happened():
                raise KeyboardInterrupt
    report = checker.report()
    print(report.to_json() if arguments.json else report.summary)
    return 0 if report.passed else 1


def _triples(
    arguments: argparse.Namespace, options: MaskOptions
) -> Iterator[tuple[Frame, Frame, Tensor]]:
    """Read source, result and hole frame by frame.

    Raises:
        ShapeError: clips of different lengths; VideoError: files that cannot be read.
    """
    from ..masks.prepare import pair_with
    from ..video.probe import count_frames
    from ..video.read import read_frames, read_masks

    part = {"start": arguments.start, "end": arguments.end}
    films = zip_longest(read_frames(arguments.original, **part), read_frames(arguments.result))
    # the file of --mask-used has the frame numbers of the result, any other mask those of the source
    of_result = part != {"start": 0, "end": None} and count_frames(arguments.mask) == count_frames(
        arguments.result
    )
    masks = read_masks(arguments.mask, **({} if of_result else part))
    for number, ((original, result), hole) in enumerate(pair_with(films, masks, options)):
        if original is None or result is None:
            longer = arguments.result if original is None else arguments.original
            raise ShapeError(
                f"Expected as many frames in the result as in the source, got more than {number} in "
                f"{longer} and {number} in the other; give --start and --end of the range that "
                "was filled."
            )
        yield original, result, hole
