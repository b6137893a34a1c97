"""`lgtsm demo`: remove an object from a clip that the package renders itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..interruption import Interruption
from .arguments import add_model, parse_size
from .terminal import format_seconds, format_speed, progress_bar

_CAMERAS = ("locked", "planar", "parallax")


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "demo",
        help="try it without any file",
        description="Render a short clip, remove its object and compare with the truth.",
    )
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="of the scene [7]")
    parser.add_argument(
        "--camera", choices=_CAMERAS, default="locked", help="camera motion [locked]"
    )
    parser.add_argument("--frames", type=int, default=48, metavar="N", help="length [48]")
    parser.add_argument(
        "--size", type=parse_size, default=(270, 480), metavar="WxH", help="frame size [480x270]"
    )
    add_model(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("lgtsm_demo"),
        metavar="DIR",
        help="folder for the results [./lgtsm_demo]",
    )
    parser.add_argument("--quiet", action="store_true", help="no bar")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Run the demonstration; print its files and figures."""
    from ..demo import run_demo
    from ..scene.camera import Camera, SceneOptions

    height, width = arguments.size
    scene = SceneOptions(
        seed=arguments.seed,
        camera=Camera(arguments.camera),
        num_frames=arguments.frames,
        height=height,
        width=width,
    )
    with progress_bar("demo", quiet=arguments.quiet) as bar:
        result = run_demo(
            arguments.output,
            scene,
            model=arguments.model,
            progress=bar,
            cancel=interruption.happened,
        )
    print(f"film:   {result.film} (before, mask, after)")
    print(f"sheet:  {result.sheet}")
    print(f"mask:   {result.coverage:.1%} of the picture, {result.num_frames} frames")
    print(
        f"time:   {format_seconds(result.seconds)}, "
        f"{format_speed(result.num_frames, result.seconds)}"
    )
    print("closeness to the truth inside the mask (PSNR; higher is better):")
    for name, value in (
        (f"copies and network ({result.model})", result.psnr),
        ("smooth fill", result.smooth_psnr),
    ):
        print(f"  {name:<36} {value:6.2f} dB")
    if scene.camera is Camera.LOCKED:
        print("to try a moving camera: lgtsm demo --camera parallax")
    return 0
