"""`lgtsm check`: what one job changed, and the quality of its fill, from the files."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..file_names import refuse_missing
from ..interruption import Interruption
from ..mask_options import GROW_PX, MaskOptions
from ..metrics.limits import CheckLimits
from ..options import VideoOptions
from .arguments import add_option, add_options
from .terminal import progress_bar

if TYPE_CHECKING:
    from ..file_check import FileCheck

_EPILOG = f"""MASK is the mask that was used: the file of `lgtsm inpaint --mask-used`, or the original mask with
the same --grow ({GROW_PX} in `lgtsm inpaint` by default) and --grow-percent.

A lossless result must equal the source outside the mask, bit for bit. A film that was encoded again is
compared with the source under the same fill, encoded at the same --quality: it may change no more.
--tolerance sets a limit of your own instead.

exit codes: 0 passed, 1 failed or files that do not match
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "check",
        help="check that a result changed nothing outside its mask",
        description="Compare a result with its source: changes outside the mask; seam, flicker and remains of\n"
        "the object inside it.",
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
    add_option(
        group,
        CheckLimits,
        "tolerance",
        default=None,
        help="largest change allowed outside the mask, in levels of 255, whatever the encoder; 0 is "
        "bit for bit",
    )
    add_options(group, CheckLimits, skip=("margin", "tolerance"))
    add_option(group, VideoOptions, "quality", help="quality that RESULT was written with [16]")
    parser.add_argument(
        "--unseen",
        action="store_true",
        help="measure how much of the mask no frame shows and so had to be invented; takes as long as lgtsm "
        "inpaint --mode copy",
    )
    add_options(parser.add_argument_group("mask"), MaskOptions)
    group = parser.add_argument_group("mask of the object")
    group.add_argument(
        "--object",
        action="store_true",
        help="look whether the object's shadow or rim reaches outside the mask, and warn; takes about as "
        "long as a fill (see `lgtsm masks complete`)",
    )
    group = parser.add_argument_group("range")
    add_option(group, VideoOptions, "start", help="frame of ORIGINAL at which RESULT begins [0]")
    add_option(group, VideoOptions, "end", help="frame of ORIGINAL after the last one")
    group = parser.add_argument_group("messages")
    group.add_argument("--json", action="store_true", help="print the figures as JSON")
    group.add_argument("--quiet", action="store_true", help="no bar")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Check, print verdict and figures, and return 0 if it passed."""
    for path in (arguments.original, arguments.result, arguments.mask):
        if isinstance(path, Path):
            refuse_missing(path)
    from ..engine.hooks import Hooks
    from ..file_check import FileCheck

    given = vars(arguments)
    check = FileCheck(
        original=arguments.original,
        result=arguments.result,
        mask=arguments.mask,
        video=VideoOptions.of(given),
        mask_options=MaskOptions.of(given),
        limits=CheckLimits.of(given, margin=0, tolerance=arguments.tolerance or 0.0),
        margin=arguments.margin,
        exact=arguments.tolerance is not None,
    )
    with (
        progress_bar("encode the source", quiet=arguments.quiet) as encoding,
        progress_bar("check", quiet=arguments.quiet) as checking,
    ):
        report = check.run(
            Hooks(checking, interruption.happened), Hooks(encoding, interruption.happened)
        )
    if arguments.unseen:
        report = replace(report, unseen=_unseen(check, arguments, interruption))
    if arguments.object:
        _look_outside(check, arguments, interruption)
    print(report.to_json() if arguments.json else report.to_text())
    return 0 if report.passed else 1


def _unseen(check: FileCheck, arguments: argparse.Namespace, interruption: Interruption) -> float:
    """Return the fraction of the mask that no frame of the source shows."""
    from ..unseen_share import unseen_share

    with progress_bar("unseen", quiet=arguments.quiet) as bar:
        return unseen_share(check.holes(), progress=bar, cancel=interruption.happened)


def _look_outside(
    check: FileCheck, arguments: argparse.Namespace, interruption: Interruption
) -> None:
    """Say whether the object reaches outside the mask."""
    from ..completion.completer import Completer
    from ..completion.summary import Summary
    from ..engine.hooks import Hooks

    completer, summary = None, Summary()
    with progress_bar("object", quiet=arguments.quiet) as bar:
        hooks = Hooks(bar, interruption.happened)
        for done, (frame, hole) in enumerate(hooks.checked(check.holes()), 1):
            completer = completer or Completer((frame.shape[1], frame.shape[2]))
            for one in completer.push(frame, hole):
                summary.add(one)
            hooks.report(done, 0, "")
        if completer is not None:
            for one in completer.finish():
                summary.add(one)
    for note in summary.notes:
        print(f"lgtsm: {note}", file=sys.stderr)
