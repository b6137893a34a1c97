"""`lgtsm models`: the built-in networks, and the card of a weight file; nothing is loaded."""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from pathlib import Path

from ..weights.catalogue import CATALOGUE, DEFAULT, BuiltIn
from ..weights.header import check_container, read_card
from .interruption import Interruption
from .sizes import format_bytes

_DIGITS = 12
"""Leading digits of a digest that are shown in the table."""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    text = "List the built-in networks, or describe one weight file."
    parser = commands.add_parser("models", help="list networks", description=text)
    parser.add_argument(
        "model", nargs="?", metavar="FILE", help="weight file or built-in name to describe"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Print the table or one card."""
    if arguments.model is None:
        _print_table()
    else:
        known = CATALOGUE.get(arguments.model)
        _print_card(known.path if known else Path(arguments.model))
    return 0


def count_parameters(path: Path) -> int:
    """Count the numbers in a weight file from its header alone.

    Raises:
        WeightsError: no safetensors file.
    """
    check_container(path)
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(math.prod(v["shape"]) for k, v in header.items() if k != "__metadata__")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _row(known: BuiltIn) -> tuple[str, ...]:
    name = known.name + (" (default)" if known.name == DEFAULT else "")
    if not known.path.is_file():
        return (name, known.family, "-", "-", known.licence, "-", f"{known.path} is missing")
    digest = _digest(known.path)
    changed = " (changed)" if known.sha256 and digest != known.sha256 else ""
    return (
        name,
        known.family,
        f"{count_parameters(known.path):,}",
        format_bytes(known.path.stat().st_size),
        known.licence,
        digest[:_DIGITS] + changed,
        str(known.path),
    )


def _print_table() -> None:
    rows = [("name", "family", "parameters", "size", "licence", "sha256", "file")]
    rows += [_row(known) for known in CATALOGUE.values()]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _print_card(path: Path) -> None:
    card = read_card(path)
    trunk = card.spec.trunk
    past, future = card.spec.context
    facts = {
        "file": path,
        "family": card.spec.family,
        "parameters": f"{count_parameters(path):,}",
        "size": format_bytes(path.stat().st_size),
        "width": trunk.width,
        "frames read": f"{past} before and {future} after",
        "multiple": f"{trunk.multiple} px",
        "half precision": ", ".join(card.dtypes) or "none passed",
        "licence": card.licence,
        "sha256": _digest(path),
    }
    facts |= {f"provenance: {key}": value for key, value in card.provenance.items()}
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        print(f"{name:<{width}}  {value}")
