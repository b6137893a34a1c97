"""`lgtsm masks between`: a mask for every frame from a few painted ones."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..interruption import Interruption
from .mask_shot import Shot, add_shot

_EPILOG = """A mask is painted for some frames and named by the number of its frame, counted from 0:
mask_0012.png belongs to frame 12. Between two of them the shape turns into the next one; before the
first and after the last one it stands still. An empty mask ends it: paint one for the first frame
without the object.

example:
  lgtsm masks between shot.mp4 --keys painted -o mask.mkv
"""


def add(kinds: argparse._SubParsersAction) -> None:
    """Add the kind to the parser of `lgtsm masks`."""
    parser = kinds.add_parser(
        "between",
        help="a mask for every frame, from a few painted ones",
        description="Make a mask for every frame from key masks of some frames.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_shot(parser, ranged=False)
    parser.add_argument(
        "--keys",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="pictures named by the numbers of their frames; white is the hole",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Read the key masks and write one mask a frame."""
    from ..engine.hooks import Hooks
    from ..file_names import refuse_shared_names
    from ..key_masks import read_key_masks
    from ..masks.between import masks_between

    refuse_shared_names([arguments.keys], [arguments.output])
    shot = Shot.of(arguments)
    keys = read_key_masks(arguments.keys, shot.source, shot.total, shot.size)
    hooks = Hooks(None, interruption.happened)
    coverage = shot.write(hooks.checked(masks_between(keys, shot.total)))
    if not arguments.quiet:
        listed = ", ".join(map(str, sorted(keys)))
        print(
            f"{shot.target}: key masks of frames {listed}; {coverage:.2%} of the picture on average",
            file=sys.stderr,
        )
    return 0
