"""`lgtsm check`: what one job changed, and how its fill looks, from the files."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..interruption import Interruption
from ..options import MaskOptions
from .fields import add_fields, from_fields
from .progress import Bar

if TYPE_CHECKING:
    from ..metrics.check import Checker, CheckLimits
    from ..video.frame import Frame

_EPILOG = """the mask is the one that was used: the file of `lgtsm inpaint --mask-used`, or the mask
that was given together with the same --grow (4 in `lgtsm inpaint` unless said otherwise).

A lossy encoder changes everything a little: allow that with --tolerance, or write --lossless.

exit codes: 0 passed, 1 failed or files that do not fit each other
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "check",
        help="check that a result changed nothing outside its mask",
        description="Compare a result with its source: changes outside the mask, and seam, flicker "
        "and what is left of the object inside.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, text in (
        ("original", "the source: video file or folder of images"),
        ("result", "what came out: video file or folder of images"),
        ("mask", "still image, video or folder; white is the hole"),
    ):
        parser.add_argument(name, type=Path, metavar=name.upper(), help=text)
    group = parser.add_argument_group("limits")
    group.add_argument(
        "--tolerance",
        type=float,
        default=0.0,
        metavar="LEVELS",
        help="largest change allowed outside the mask, in levels of 255 [0]",
    )
    group.add_argument(
        "--margin",
        type=int,
        metavar="PX",
        help="pixels beside the mask that may change too; without it as many as share a chroma "
        "sample with it",
    )
    for name, text in (
        ("seam", "seam contrast, 1 is no seam"),
        ("flicker", "flicker relative to the surroundings, 1 is as steady as they are"),
        ("residual", "share of the object's contrast that is left"),
    ):
        group.add_argument(f"--max-{name}", type=float, metavar="X", help=f"largest {text}")
    add_fields(parser.add_argument_group("mask"), MaskOptions)
    group = parser.add_argument_group("range")
    group.add_argument(
        "--start", type=int, default=0, metavar="N", help="frame of ORIGINAL at which RESULT begins"
    )
    group.add_argument("--end", type=int, metavar="N", help="frame of ORIGINAL after the last one")
    group = parser.add_argument_group("talk")
    group.add_argument("--json", action="store_true", help="print the figures as JSON")
    group.add_argument("--quiet", action="store_true", help="no bar")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Check, print the figures, and say by the exit code whether it passed."""
    from ..metrics.check import Checker

    options = from_fields(MaskOptions, arguments)
    limits = _limits(arguments)
    checker = Checker(limits)
    with Bar("check", quiet=arguments.quiet) as bar:
        for done, (original, result, hole) in enumerate(_triples(arguments, options), 1):
            if done == 1 and arguments.margin is None:
                checker = Checker(_limits(arguments, _shared_px(original, result)))
            checker.add(original.rgb(), result.rgb(), hole)
            bar(done, 0, "")
            if interruption.happened():
                raise KeyboardInterrupt
    return _print(checker, arguments)


def _print(checker: Checker, arguments: argparse.Namespace) -> int:
    report = checker.report()
    print(report.to_json() if arguments.json else report.summary)
    return 0 if report.passed else 1


def _limits(arguments: argparse.Namespace, margin: int = 0) -> CheckLimits:
    from ..metrics.check import CheckLimits

    return CheckLimits(
        tolerance=arguments.tolerance,
        margin=margin if arguments.margin is None else arguments.margin,
        max_seam=arguments.max_seam,
        max_flicker=arguments.max_flicker,
        max_residual=arguments.max_residual,
    )


def _shared_px(*frames: Frame) -> int:
    """Return how far from a hole pixel another may share a chroma sample with it."""
    return max((1 << shift) - 1 for frame in frames for shift in frame.layout.shifts)


def _triples(
    arguments: argparse.Namespace, options: MaskOptions
) -> Iterator[tuple[Frame, Frame, object]]:
    """Read source, result and hole frame by frame.

    Raises:
        ShapeError: clips of different lengths; VideoError: files that cannot be read.
    """
    from ..masks.prepare import pair_with
    from ..video.read import read_frames, read_masks
    from ..video.span import count_frames

    part = {"start": arguments.start, "end": arguments.end}
    films = zip_longest(read_frames(arguments.original, **part), read_frames(arguments.result))
    # the file of --mask-used is numbered like the result, any other mask like the source
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
