"""`lgtsm keyframes`: the few frames to paint where no frame of a shot shows what is behind the hole."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import OptionError
from ..interruption import Interruption
from ..mask_options import GROW_PX, MaskOptions
from ..options import InpaintOptions, RunOptions, Unseen, VideoOptions
from ..plate_names import parse_plates
from .arguments import add_cuts, add_hole, add_option, add_options, add_plates
from .terminal import progress_bar

_EPILOG = """what is written, for a key frame 120:
  frame_000120.png  the frame, its hole filled from other frames; smooth where none shows anything
  mask_000120.png   white where no frame shows anything: the place to paint in frame_000120.png

Paint in place, by hand or with any image model, keep the names, and give the folder to inpaint with the
same options. What you paint is carried through its shot; everywhere else real pixels are copied. If a shot
has several key frames, a later one lacks only what the earlier ones do not show. To see your painting in
it, paint the first one, then write the others anew with --plate.

examples:
  lgtsm keyframes film.mp4 --mask mask.mkv -o keys
  lgtsm inpaint film.mp4 --mask mask.mkv --plate keys -o clean.mp4
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "keyframes",
        help="write the frames to paint where no frame shows the background",
        description="Write the key frames of a film: the few frames in which something has to be invented, each with\n"
        "a mask of the place. What other frames show is already filled in.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("input", type=Path, metavar="IN", help="video file or folder of images")
    add_hole(parser)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FOLDER", help="new or empty folder"
    )
    group = parser.add_argument_group("fill")
    add_options(group, InpaintOptions, skip=("cuts", "mode", "feather", "unseen"))
    asked = [choice.value for choice in Unseen if choice is not Unseen.NETWORK]
    add_option(
        group,
        InpaintOptions,
        "unseen",
        choices=asked,
        help=f"places to paint: {asked[0]} only the larger ones, {asked[1]} all of them [{asked[0]}]",
    )
    add_plates(group)
    add_cuts(group)
    add_options(parser.add_argument_group("mask"), MaskOptions, grow=GROW_PX)
    add_options(parser.add_argument_group("run"), RunOptions, skip=("dtype",))
    group = parser.add_argument_group("video")
    for name in ("start", "end", "strict", "rate"):
        add_option(group, VideoOptions, name)
    parser.add_argument("--quiet", action="store_true", help="no bar, no summary, only errors")
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Write the key frames and say what to do with them."""
    from ..key_frame_folder import write_key_frames
    from ..masks.boxes import MaskBox

    given = vars(arguments)
    mask, run_options = MaskOptions.of(given), RunOptions.of(given)
    source, folder = arguments.input, arguments.output
    if str(folder) == "-":
        raise OptionError("Expected a folder for the key frames, got -; name one.")
    with progress_bar(source.name, quiet=arguments.quiet) as bar:
        numbers, report = write_key_frames(
            source,
            [MaskBox.parse(text) for text in arguments.box or ()] or arguments.mask,
            folder,
            options=InpaintOptions.of(given, mask=mask, run=run_options),
            video=VideoOptions.of(given),
            plates=parse_plates(arguments.plates),
            progress=bar,
            cancel=interruption.happened,
        )
    share = f"no frame shows {report.unseen:.1%} of the hole"
    if numbers:
        listed = ", ".join(map(str, numbers))
        kind = "key frame" if len(numbers) == 1 else "key frames"
        told = (
            f"{folder}: {kind} {listed}; {share}; paint what the masks mark, then run `lgtsm inpaint` "
            f"with --plate {folder}"
        )
    else:
        told = f"{source}: nothing to paint and nothing written: {share}, in no place that is large enough"
    if not arguments.quiet:
        print(told, file=sys.stderr)
    return 0
