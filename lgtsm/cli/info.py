"""`lgtsm info`: describe a video, a folder of frames or a still image."""

from __future__ import annotations

import argparse
import ast
import inspect
import json
from dataclasses import asdict, fields
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ..interruption import Interruption

if TYPE_CHECKING:
    from ..video.probe import VideoInfo


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "info", help="describe a video file", description="Describe a video file."
    )
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="video file, folder of images or still image"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Print the description of one file."""
    from ..video.probe import probe

    info = probe(arguments.file)
    if arguments.json:
        print(json.dumps({"file": str(arguments.file), **asdict(info)}, indent=2, default=_plain))
        return 0
    texts = _texts(type(info))
    rows = [
        (f.name.replace("_", " "), _cell(info, f.name), texts.get(f.name, "")) for f in fields(info)
    ]
    name_width = max(len(name) for name, _, _ in rows)
    value_width = max(len(value) for _, value, _ in rows)
    print(arguments.file)
    for name, value, text in rows:
        print(f"  {name:<{name_width}}  {value:<{value_width}}  {text}".rstrip())
    return 0


def _texts(cls: type) -> dict[str, str]:
    """Return the docstrings under the fields of a dataclass; none where there is no source."""
    try:
        [body] = ast.parse(inspect.getsource(cls)).body
    except OSError:
        return {}
    return {
        field.target.id: " ".join(str(text.value.value).split())
        for field, text in pairwise(getattr(body, "body", []))
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }


def _plain(value: object) -> object:
    if isinstance(value, Fraction):
        return {"exact": str(value), "value": round(float(value), 6)}
    return str(value)


def _cell(info: VideoInfo, name: str) -> str:
    if name == "colour":
        tags = info.colour
        if tags == type(tags)():
            return "untagged"
        return f"{tags.matrix}-{tags.primaries}-{tags.transfer}-{tags.range}"
    value = getattr(info, name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Fraction):
        return str(value) if value.denominator == 1 else f"{value} ({float(value):.3f})"
    return str(value)
