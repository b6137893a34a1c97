"""`lgtsm check`: what one job changed, and the quality of its fill, from the files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain, islice, zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ..errors import ShapeError
from ..interruption import Interruption
from ..metrics.limits import CheckLimits
from ..options import GROW_PX, MaskOptions, VideoOptions
from .arguments import add_option, add_options
from .terminal import progress_bar

if TYPE_CHECKING:
    from torch import Tensor

    from ..video.frame import Frame

_EPILOG = f"""MASK is the mask that was used: the file of `lgtsm inpaint --mask-used`, or the original mask with
the same --grow ({GROW_PX} in `lgtsm inpaint` by default).

A lossless result must equal the source outside the mask, bit for bit. A film that was encoded again is
compared with the source encoded alone, at the same --quality: it may change no more. --tolerance sets
a limit of your own instead.

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
    add_options(parser.add_argument_group("mask"), MaskOptions)
    group = parser.add_argument_group("range")
    add_option(group, VideoOptions, "start", help="frame of ORIGINAL at which RESULT begins [0]")
    add_option(group, VideoOptions, "end", help="frame of ORIGINAL after the last one")
    group = parser.add_argument_group("mask of the object")
    group.add_argument(
        "--object",
        action="store_true",
        help="look whether the object's shadow or rim reaches outside the mask, and warn; takes about as "
        "long as a fill (see `lgtsm masks complete`)",
    )
    group = parser.add_argument_group("messages")
    group.add_argument("--json", action="store_true", help="print the figures as JSON")
    group.add_argument("--quiet", action="store_true", help="no bar")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Check, print verdict and figures, and return 0 if it passed."""
    from ..metrics.check import Checker

    limits = {"margin": arguments.margin or 0, "tolerance": arguments.tolerance or 0.0}
    checker = Checker(CheckLimits.of(vars(arguments), **limits))
    triples = _triples(arguments)
    if arguments.object:
        triples = _looking_outside(triples)
    first = list(islice(triples, 1))  # files that do not match fail before anything is encoded
    with ExitStack() as stack:
        encoded = _encoded(arguments, interruption, stack)
        bar = stack.enter_context(progress_bar("check", quiet=arguments.quiet))
        for done, (original, result, hole) in enumerate(chain(first, triples), 1):
            if done == 1 and arguments.margin is None:
                # the largest distance at which a pixel can share a chroma sample with a hole pixel
                shifts = original.layout.shifts + result.layout.shifts
                limits["margin"] = (1 << max(shifts)) - 1
                checker = Checker(CheckLimits.of(vars(arguments), **limits))
            again = next(encoded, None)
            checker.add(original.rgb(), result.rgb(), hole, again and again.rgb())
            bar(done, 0, "")
            if interruption.happened():
                raise KeyboardInterrupt
    report = checker.report()
    print(report.to_json() if arguments.json else report.to_text())
    return 0 if report.passed else 1


def _encoded(
    arguments: argparse.Namespace, interruption: Interruption, stack: ExitStack
) -> Iterator[Frame]:
    """Read the source as the encoder of a lossy result makes it; nothing where bits must be equal.

    The file lies in a temporary folder until the stack is closed.
    """
    from ..video.folder import keeps_values
    from ..video.presets import CONTAINERS
    from ..video.read import read_frames
    from ..video.write import open_writer

    exact = (
        arguments.tolerance is not None or arguments.result.is_dir()
    )  # images are written lossless
    if exact or keeps_values(arguments.result):
        return iter(())
    suffix = arguments.result.suffix.lower()
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="lgtsm-")))
    path = folder / ("encoded" + (suffix if suffix in CONTAINERS else ".mp4"))
    options = VideoOptions.of(vars(arguments))
    with (
        progress_bar("encode the source", quiet=arguments.quiet) as bar,
        open_writer(path, arguments.original, options=options) as writer,
    ):
        frames = read_frames(arguments.original, start=options.start, end=options.end)
        for done, frame in enumerate(frames, 1):
            pixels = frame.rgb()
            writer.write(frame, pixels, pixels.new_zeros(1, *pixels.shape[1:]))
            bar(done, 0, "")
            if interruption.happened():
                raise KeyboardInterrupt
    return read_frames(path)


def _looking_outside(
    triples: Iterator[tuple[Frame, Frame, Tensor]],
) -> Iterator[tuple[Frame, Frame, Tensor]]:
    """Yield all, and say at the end whether the object reaches outside the mask."""
    from ..completion.completer import Completer
    from ..completion.summary import Summary

    completer, summary = None, Summary()
    for original, result, hole in triples:
        completer = completer or Completer(original.size)
        for one in completer.push(original.rgb(), hole):
            summary.add(one)
        yield original, result, hole
    if completer is not None:
        for one in completer.finish():
            summary.add(one)
    for note in summary.notes:
        print(f"lgtsm: {note}", file=sys.stderr)


def _triples(arguments: argparse.Namespace) -> Iterator[tuple[Frame, Frame, Tensor]]:
    """Read source, result and hole frame by frame.

    Raises:
        ShapeError: clips of different lengths; VideoError: files that cannot be read.
    """
    from ..masks.fit import fit
    from ..masks.prepare import pair_with
    from ..video.probe import count_frames, probe
    from ..video.read import read_frames, read_masks

    part = {"start": arguments.start, "end": arguments.end}
    films = zip_longest(read_frames(arguments.original, **part), read_frames(arguments.result))
    # the file of --mask-used has the frame numbers of the result, any other mask those of the source
    of_result = part != {"start": 0, "end": None} and count_frames(arguments.mask) == count_frames(
        arguments.result
    )
    options, info = MaskOptions.of(vars(arguments)), probe(arguments.original)
    absent = 1.0 if options.invert else 0.0  # leaves a frame as it is
    of_source = {**part, "frames_of": arguments.original, "absent": absent}
    masks = (
        fit(mask, (info.height, info.width), options)
        for mask in read_masks(arguments.mask, **({} if of_result else of_source))
    )
    for number, ((original, result), hole) in enumerate(pair_with(films, masks, options)):
        if original is None or result is None:
            longer = arguments.result if original is None else arguments.original
            raise ShapeError(
                f"Expected as many frames in the result as in the source, got more than {number} in "
                f"{longer} and {number} in the other; give --start and --end of the range that "
                "was filled."
            )
        if original.size != result.size:
            sizes = ["{1}x{0}".format(*frame.size) for frame in (original, result)]
            raise ShapeError(
                f"Expected a result of {sizes[0]} like the source, got {sizes[1]}; compare clips of "
                "one size."
            )
        yield original, result, hole
