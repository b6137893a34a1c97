"""`lgtsm frame`: one frame of a video as a picture, to paint on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..interruption import Interruption


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "frame",
        help="save one frame as a picture, to paint on",
        description="Save one frame of a video as a picture. Erase the object from it, so that it is "
        "transparent there, or paint the object white on black, and pass it to `lgtsm inpaint --track` or "
        "`lgtsm track`.",
    )
    parser.add_argument("input", type=Path, metavar="IN", help="video file or folder of images")
    parser.add_argument(
        "--frame", type=int, default=0, metavar="N", help="number of the frame, counted from 0 [0]"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="picture to write (.png)"
    )
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Read the frame and write the picture."""
    del interruption  # one frame
    from ..file_names import refuse_shared_names
    from ..video.image import check_picture_name, write_opaque_picture
    from ..video.one_frame import read_one_frame

    source, target, number = arguments.input, arguments.output, arguments.frame
    check_picture_name(target)
    refuse_shared_names([source], [target])
    frame = read_one_frame(source, number)
    write_opaque_picture(frame.rgb(), target)
    print(
        f"{target}: frame {number}; erase the object, then: lgtsm inpaint {source} --track "
        f"{target}@{number} -o OUT (beside --track of frames that you painted before)",
        file=sys.stderr,
    )
    return 0
