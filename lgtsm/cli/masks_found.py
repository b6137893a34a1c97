"""`lgtsm masks static` and `lgtsm masks text`: what is laid over a shot, found in it."""

from __future__ import annotations

import argparse
import sys
from itertools import repeat
from pathlib import Path

from ..interruption import Interruption
from ..masks.text.options import TextOptions
from .arguments import add_options
from .mask_shot import Shot, add_shot

_STATIC = """Find logos, opaque or not, by what never changes while the rest of the picture moves; no model
is needed. Cuts help: give a whole film rather than one shot. Bars of a letterbox are left out.

example:
  lgtsm masks static film.mp4 -o logo.mkv && lgtsm inpaint film.mp4 --mask logo.mkv -o clean.mp4
"""
_TEXT = """Find subtitles, time codes and other text that stays in its place, and mask every line from its
first frame to its last. Needs the extra (in the clone: pip install ".[text]"). Text of the scene that moves with
it is left out; under a still camera it is not: use --region.

example:
  lgtsm masks text film.mp4 --region 0,800,1920,280 -o text.mkv
"""
_EMPTY = "the mask is empty: nothing was found"


def add(kinds: argparse._SubParsersAction) -> None:
    """Add both kinds to the parser of `lgtsm masks`."""
    parser = kinds.add_parser(
        "static",
        help="logos and watermarks: what never changes while the rest moves",
        description=_STATIC,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_shot(parser)
    parser.set_defaults(run=run_static)
    parser = kinds.add_parser(
        "text",
        help="burned-in subtitles and time codes",
        description=_TEXT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_shot(parser)
    add_options(parser, TextOptions)
    parser.add_argument(
        "--region", metavar="X,Y,W,H", help="part of the picture to look in, in pixels [all]"
    )
    parser.set_defaults(run=run_text)


def run_static(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Find what stays, and write it as the mask of every frame."""
    from ..masks.static import find_static

    shot = Shot.of(arguments)
    frames = shot.frames(interruption, note="looking for what stays", quiet=arguments.quiet)
    mask = find_static(frames).mask
    shot.write(repeat(mask, shot.end - shot.first))
    _tell(arguments, shot.target, float(mask.mean()))
    return 0


def run_text(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Find text, and write the masks of its frames."""
    from ..masks.text.detector import text_detector
    from ..masks.text.joined import text_masks
    from ..masks.text.region import text_region

    shot = Shot.of(arguments)
    region = arguments.region
    masks = text_masks(
        shot.frames(interruption, note="looking for text", quiet=arguments.quiet),
        text_detector(),
        rate=shot.rate,
        options=TextOptions.of(vars(arguments)),
        region=None if region is None else text_region(region, shot.size),
    )
    _tell(arguments, shot.target, shot.write(masks))
    return 0


def _tell(arguments: argparse.Namespace, target: Path, coverage: float) -> None:
    if not arguments.quiet:
        said = f"{coverage:.2%} of the picture on average" if coverage else _EMPTY
        print(f"{target}: {said}", file=sys.stderr)
