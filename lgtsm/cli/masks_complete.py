"""`lgtsm masks complete`: add an object's shadow and what the mask missed at its rim."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..interruption import Interruption
from ..mask_options import MaskOptions
from .arguments import add_cuts, add_hole, add_option
from .mask_shot import add_files, add_range
from .terminal import progress_bar

_EPILOG = """What surrounds the object is filled from other frames and compared: what is darker with the same texture
and stays beside the object is its shadow; what is coloured like the object and touches it is its rim.
Nothing is added where no other frame shows the background. Give the mask of the object alone, not
grown, and look at --preview: object red, shadow yellow, rim blue; violet may belong to the object, too (a
reflection, a shadow on ground that is never seen) and is not added.

examples:
  lgtsm masks complete shot.mp4 --mask mask.mkv -o whole.mkv --preview look.mp4
  lgtsm inpaint shot.mp4 --mask mask.mkv --complete shadow,rim -o clean.mp4      # both in one step
"""
_READ = ("threshold", "invert", "fill_enclosed", "fit_mask", "length")
"""Options of masks that apply to the object alone."""


def add_complete(parser: argparse._ActionsContainer, default: str | None) -> None:
    """Add `--complete`."""
    parser.add_argument(
        "--complete",
        default=default,
        metavar="KINDS",
        help="add the object's shadow, what the mask missed at its rim, or both (shadow,rim), as far as "
        "other frames show the background" + (f" [{default}]" if default else ""),
    )


def add(kinds: argparse._SubParsersAction) -> None:
    """Add the kind to the parser of `lgtsm masks`."""
    parser = kinds.add_parser(
        "complete",
        help="add an object's shadow, and what its mask missed at the rim",
        description="Complete masks with what belongs to the object.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_files(parser)
    add_hole(parser)
    add_complete(parser, "shadow,rim")
    parser.add_argument(
        "--preview",
        type=Path,
        metavar="OUT",
        help="write the frames with object and additions in colours: .mp4, .mov, .mkv or a folder of PNG",
    )
    add_range(parser)
    for name in _READ:
        add_option(parser, MaskOptions, name)
    add_cuts(parser)
    parser.add_argument("--quiet", action="store_true", help="no bar, no summary, only errors")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Complete the masks, write them and say how much was added."""
    from ..completion.kinds import parse_additions
    from ..file_completion import complete_file
    from ..masks.boxes import MaskBox

    kinds, (start, end) = parse_additions(arguments.complete), arguments.range
    boxes = [MaskBox.parse(text) for text in arguments.box or ()]
    with progress_bar(arguments.input.name, quiet=arguments.quiet) as bar:
        found = complete_file(
            arguments.input,
            boxes or arguments.mask,
            arguments.output,
            kinds=kinds,
            options=MaskOptions.of(vars(arguments)),
            preview=arguments.preview,
            start=start,
            end=end,
            cuts=arguments.cuts,
            progress=bar,
            cancel=interruption.happened,
        )
    if not arguments.quiet:
        print(f"{arguments.output}: {found.text}", file=sys.stderr)
    return 0
