"""`lgtsm masks draw`: mask clips for tests, training and demonstrations."""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

from ..interruption import Interruption
from ..masks.draw.kinds import KINDS, Kind
from ..masks.draw.stroke_presets import Preset
from .arguments import parse_size

_RATE = Fraction(24)


def add(commands: argparse._SubParsersAction) -> None:
    """Add the kind to the parser of `lgtsm masks`."""
    limits = ", ".join(
        "{} {}-{}".format(kind.value, *spec.coverage_limits) for kind, spec in KINDS.items()
    )
    parser = commands.add_parser(
        "draw",
        help="masks from a seed, for tests and training",
        description="Draw a clip of masks; white is the hole.",
    )
    style = parser.add_mutually_exclusive_group()
    style.add_argument(
        "--preset",
        choices=[preset.value for preset in Preset],
        help=f"published free-form strokes [{Preset.RAND_CURVE.value}]",
    )
    style.add_argument("--kind", choices=[kind.value for kind in Kind], help="shape of the masks")
    parser.add_argument(
        "--size", type=parse_size, default=(360, 640), metavar="WxH", help="frame size [640x360]"
    )
    parser.add_argument("--frames", type=int, default=60, metavar="N", help="length [60]")
    parser.add_argument(
        "--seed", type=int, default=7, metavar="N", help="the same seed draws the same clip [7]"
    )
    parser.add_argument(
        "--coverage",
        type=float,
        metavar="X",
        help=f"with --kind: share of the picture to mask, mean over the clip ({limits})",
    )
    parser.add_argument(
        "--speed",
        type=float,
        metavar="X",
        help="with --kind: factor on all speeds, 0 is a still mask [1]",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help="folder for PNG images, .mkv file (exact), or .mp4 or .mov file",
    )
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Draw and write one clip."""
    from ..masks.draw.free_form import free_form_masks
    from ..masks.draw.raster import draw_masks
    from ..video.clip import write_mask_clip

    height, width = arguments.size
    if arguments.kind is None:
        if arguments.coverage is not None or arguments.speed is not None:
            arguments.parser.error("--coverage and --speed need --kind")
        preset = Preset(arguments.preset or Preset.RAND_CURVE)
        holes = free_form_masks(arguments.frames, height, width, preset=preset, seed=arguments.seed)
    else:
        holes = draw_masks(
            arguments.frames,
            height,
            width,
            kind=Kind(arguments.kind),
            seed=arguments.seed,
            coverage_ratio=arguments.coverage,
            speed=1.0 if arguments.speed is None else arguments.speed,
        )
    write_mask_clip(arguments.output, holes, (height, width), rate=_RATE)
    print(f"{arguments.output}: {len(holes)} masks, {float(holes.mean()):.1%} hole")
    return 0
