"""`lgtsm track`: from an object painted in one frame to the mask of every frame."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..interruption import Interruption
from ..mask_options import TRACKED_GROW_PERCENT
from ..prompt_names import painted_files
from ..track_options import TrackOptions
from .arguments import add_cuts, add_options
from .prompts import add_prompts, read_prompts
from .terminal import progress_bar, write_text

_EPILOG = f"""`lgtsm frame` saves a frame to paint on: erase the object from it, or paint the object white on black. Frames
count from 0. A painted frame is taken as it is, and helps the frames around it. The command names the frames
it is least sure of: paint these next. With --keep, one more painted frame costs only the frames next to it.
Nothing is tracked across a cut: paint one frame of every shot that shows the object. An all-black picture
says that the object is not there. Track several objects one by one.

examples:
  lgtsm track film.mp4 --prompt painted.png@0 -o mask.mkv --preview look.mp4
  lgtsm track film.mp4 --prompt a.png@0 --prompt b.png@90 --keep tracked -o mask.mkv
  lgtsm inpaint film.mp4 --mask mask.mkv --grow-percent {TRACKED_GROW_PERCENT} -o clean.mp4
  lgtsm inpaint film.mp4 --track painted.png@0 -o clean.mp4      # the same in one step
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "track",
        help="make a mask film from one painted frame",
        description="Follow an object through a film from the frames in which it is painted, boxed or pointed at,\n"
        "and write a mask for every frame; white is the object.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("input", type=Path, metavar="IN", help="video file or folder of images")
    add_prompts(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help=".mkv file or folder for PNG images (exact), .mp4 or .mov file",
    )
    parser.add_argument(
        "--preview",
        type=Path,
        metavar="OUT",
        help="write the frames with the mask in red and their numbers: .mp4, .mov or .mkv, or a folder of PNG",
    )
    parser.add_argument(
        "--confidence",
        type=Path,
        metavar="FILE",
        help="write the predicted overlap with the true mask (0 to 1), one frame a line",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="keep what was tracked, so that one more painted frame costs only the frames next to it",
    )
    add_cuts(parser)
    add_options(parser, TrackOptions)
    parser.add_argument("--quiet", action="store_true", help="no bar, no summary, only errors")
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Track, write the mask and say where it is unsure."""
    from ..file_names import refuse_shared_names
    from ..file_tracking import track_file
    from ..tracked_folder import TrackedFolder

    source, target = arguments.input, arguments.output
    prompts = read_prompts(arguments)
    refuse_shared_names(
        [source, *painted_files(arguments.prompt)],
        [target, arguments.preview, arguments.confidence, arguments.keep],
    )
    with progress_bar(source.name, quiet=arguments.quiet) as bar:
        found = track_file(
            source,
            prompts,
            target,
            options=TrackOptions.of(vars(arguments)),
            cuts=arguments.cuts,
            preview=arguments.preview,
            kept=None if arguments.keep is None else TrackedFolder(arguments.keep, source),
            progress=bar,
            cancel=interruption.happened,
        )
    if arguments.confidence is not None:
        lines = (f"{number}\t{value:.3f}" for number, value in enumerate(found.confidence))
        write_text(arguments.confidence, "\n".join(lines))
    if not arguments.quiet:
        mean = sum(found.confidence) / len(found.confidence)
        print(f"{target}: {len(found.confidence)} masks, sure to {mean:.0%}", file=sys.stderr)
        print(found.advice, file=sys.stderr)
    return 0
