"""`lgtsm plate`: one frame without what the mask covers, made of other frames."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OptionError
from ..interruption import Interruption
from ..mask_options import GROW_PX, MaskOptions
from ..options import InpaintOptions, Motion, VideoOptions
from .arguments import add_option, add_options
from .terminal import progress_bar

if TYPE_CHECKING:
    from torch import Tensor


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "plate",
        help="make a clean plate from a video",
        description="Make the clean plate of one frame: what the mask covers is copied from other "
        "frames of the shot. Paint what is missing and pass it to `lgtsm inpaint --plate`.",
    )
    parser.add_argument("input", type=Path, metavar="IN", help="video file or folder of images")
    parser.add_argument(
        "--mask",
        type=Path,
        required=True,
        metavar="MASK",
        help="still image, video or folder; white is the hole",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="picture to write (.png)"
    )
    parser.add_argument(
        "--frame",
        type=int,
        default=0,
        metavar="N",
        help="frame whose plate is made, counted from 0 [0]",
    )
    add_option(parser, InpaintOptions, "motion")
    parser.add_argument(
        "--missing", type=Path, metavar="OUT", help="write a mask of what no frame shows, white"
    )
    parser.add_argument(
        "--confidence", type=Path, metavar="OUT", help="write the share of copied pixels as grey"
    )
    add_options(parser.add_argument_group("mask"), MaskOptions, grow=GROW_PX)
    parser.add_argument("--quiet", action="store_true", help="no bar")
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Make the plate and write its pictures."""
    from ..job import FileJob
    from ..plate import REACH, clean_plate
    from ..video.image import check_picture_name, write_picture
    from ..video.probe import probe

    outputs = [p for p in (arguments.output, arguments.missing, arguments.confidence) if p]
    taken = {p.resolve() for p in (arguments.input, arguments.mask)}
    for path in outputs:
        check_picture_name(path)
        if path.resolve() in taken:
            raise OptionError(
                f"Expected a different name for every file, got {path} twice; rename it."
            )
        taken.add(path.resolve())
    job = FileJob(
        source=arguments.input,
        mask=arguments.mask,
        target=arguments.output,
        options=InpaintOptions(mask=MaskOptions.of(vars(arguments))),
        video=VideoOptions(),
    )
    info = probe(job.source, rate=job.video.rate)
    job.check_mask(info)
    total = min(job.num_frames(info), arguments.frame + REACH + 1)
    with progress_bar("plate", quiet=arguments.quiet) as bar:

        def told() -> Iterator[tuple[Tensor, Tensor]]:
            for number, (pixels, hole) in enumerate(job.pairs(info)):
                yield pixels, hole.float()
                bar(min(number + 1, total), total, "measuring motion")

        plate = clean_plate(
            told(),
            arguments.frame,
            motion=Motion(arguments.motion),
            cancel=interruption.happened,
        )
    write_picture(plate.picture, arguments.output)
    for path, values in (
        (arguments.missing, plate.missing),
        (arguments.confidence, plate.confidence),
    ):
        if path is not None:
            write_picture(values.expand(3, -1, -1), path)
    share = float(plate.missing.mean())
    print(f"{arguments.output}: {share:.1%} of the picture is visible in no frame", file=sys.stderr)
    return 0
