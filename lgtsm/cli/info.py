"""`lgtsm info`: what is known about a video, a folder of frames or a still image."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, fields
from fractions import Fraction
from pathlib import Path

from ..interruption import Interruption
from .fields import field_texts


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "info", help="say what a video file is", description="Say what a video file is."
    )
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="video file, folder of images or still image"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Print the description of one file."""
    from ..video.probe import VideoInfo, probe

    info = probe(arguments.file)
    if arguments.json:
        print(json.dumps({"file": str(arguments.file), **asdict(info)}, indent=2, default=_plain))
        return 0
    texts = field_texts(VideoInfo)
    rows = [(f.name.replace("_", " "), _cell(getattr(info, f.name)), f.name) for f in fields(info)]
    name_width = max(len(name) for name, _, _ in rows)
    value_width = max(len(value) for _, value, _ in rows)
    print(arguments.file)
    for name, value, key in rows:
        print(f"  {name:<{name_width}}  {value:<{value_width}}  {texts.get(key, '')}".rstrip())
    return 0


def _plain(value: object) -> object:
    if isinstance(value, Fraction):
        return {"exact": str(value), "value": round(float(value), 6)}
    return str(value)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Fraction):
        return str(value) if value.denominator == 1 else f"{value} ({float(value):.3f})"
    if hasattr(value, "matrix"):
        return f"{value.matrix}-{value.primaries}-{value.transfer}-{value.range}"
    return str(value)
