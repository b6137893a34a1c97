"""`lgtsm models`: built-in and cached networks, and the card of a weight file; loads no network."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

from ..interruption import Interruption
from ..models.neighbour_spec import NeighbourSpec
from ..models.spec import ChnSpec, NetworkSpec
from ..weights.catalogue import CATALOGUE, DEFAULT, ON_HUB
from ..weights.header import check_safetensors, read_card, sha256_of
from ..weights.hub import find_cached, list_cached
from ..weights.hub_file import HubFile, parse_hub_file
from .terminal import format_bytes

_DIGITS = 12
"""Leading digits of a digest in the table."""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    text = "List the built-in networks and those in the hub's cache, or describe one weight file."
    parser = commands.add_parser("models", help="list networks", description=text)
    parser.add_argument(
        "model",
        nargs="?",
        metavar="FILE",
        help="weight file, built-in name or cached owner/name[@revision][:file] to describe",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Print the table or one card."""
    if arguments.model is None:
        _print_table()
    else:
        _print_card(_find(arguments.model))
    return 0


def _find(model: str) -> Path:
    """Return the path of a model on this machine, without asking a hub."""
    if model in CATALOGUE:
        return CATALOGUE[model].path
    path = Path(model)
    if path.exists():
        return path
    row = ON_HUB.get(model)
    hub_file = HubFile.of_row(row) if row else parse_hub_file(model)
    return (find_cached(hub_file) if hub_file else None) or path


def count_parameters(path: Path) -> int:
    """Count the trained numbers in a weight file from its header alone.

    Raises:
        WeightsError: no safetensors file.
    """
    check_safetensors(path)
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    figures = ("__metadata__", ".mean", ".var")  # statistics of a batch norm are not trained
    return sum(math.prod(v["shape"]) for k, v in header.items() if not k.endswith(figures))


def _row(name: str, family: str, licence: str, path: Path, sha256: str | None) -> tuple[str, ...]:
    if not path.is_file():
        return (name, family, "-", "-", licence, "-", f"{path} is missing")
    digest = sha256_of(path)
    changed = " (changed)" if sha256 and digest != sha256 else ""
    return (
        name,
        family,
        f"{count_parameters(path):,}",
        format_bytes(path.stat().st_size),
        licence,
        digest[:_DIGITS] + changed,
        str(path),
    )


def _hub_rows() -> list[tuple[str, ...]]:
    """Return the catalogue's files on a hub, cached or not, then other cached files of this project."""
    cached = {(file.hub_file.repo, file.commit, file.hub_file.file): file for file in list_cached()}
    rows = []
    for known in ON_HUB.values():
        file = cached.pop((known.repo, known.revision, known.file), None)
        if file is not None:
            row = _row(known.name, known.family, known.licence, file.path, known.sha256)
        else:
            where = f"{HubFile.of_row(known)}, downloaded on use"
            digest = known.sha256[:_DIGITS]
            row = (known.name, known.family, "-", "-", known.licence, digest, where)
        rows.append(row)
    for file in cached.values():
        card = file.card
        name = str(file.hub_file)
        rows.append(_row(name, card.spec.family, card.licence, file.path, file.sha256))
    return rows


def _print_table() -> None:
    rows: list[tuple[str, ...]] = [
        ("name", "family", "parameters", "size", "licence", "sha256", "file")
    ]
    for known in CATALOGUE.values():
        name = known.name + (" (default)" if known.name == DEFAULT else "")
        rows.append(_row(name, known.family, known.licence, known.path, known.sha256))
    rows += _hub_rows()
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _print_card(path: Path) -> None:
    card = read_card(path)
    facts = {
        "file": path,
        "family": card.spec.family,
        "parameters": f"{count_parameters(path):,}",
        "size": format_bytes(path.stat().st_size),
        **_about(card.spec),
        "half precision": ", ".join(card.dtypes) or "none passed",
        "licence": card.licence,
        "sha256": sha256_of(path),
    }
    facts |= {
        f"provenance: {key.replace('_', ' ')}": value for key, value in card.provenance.items()
    }
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        head, *rest = _lines(value)
        print(f"{name:<{width}}  {head}")
        for line in rest:
            print(f"{'':<{width}}    {line}")


def _about(spec: NetworkSpec | NeighbourSpec) -> dict[str, object]:
    """Describe a network: its size, what it reads, how it runs."""
    if isinstance(spec, NeighbourSpec):
        sizes = {key.replace("_", " "): value for key, value in spec.to_config().items()}
        del sizes["family"]
        return {"role": spec.role.value, "give it as": spec.role.takes, **sizes}
    trunk, (past, future) = spec.trunk, spec.context
    runs = "in windows, near the hole" if trunk.in_windows else "layer by layer, near the hole"
    if isinstance(trunk, ChnSpec):
        size, runs = {"blocks": trunk.num_blocks}, "frame by frame, on whole frames"
    else:
        size = {"width": trunk.width}
    frames = {"frames read": f"{past} before and {future} after"}
    return {**size, **frames, "multiple": f"{trunk.multiple} px", "runs": runs}


def _lines(value: object) -> list[str]:
    """Write a fact: in one line, or its parts below their number."""
    if isinstance(value, dict):
        if all(isinstance(count, int) for count in value.values()):
            counts = sorted(value.items(), key=lambda item: -item[1])
            return [
                f"{sum(value.values())} in {len(value)} kinds",
                *(f"{count:>4} {name}" for name, count in counts),
            ]
        return [", ".join(f"{key} {part}" for key, part in value.items())]
    if isinstance(value, list):
        parts = [", ".join(_lines(part)) for part in value]
        return parts if len(parts) == 1 else [f"{len(parts)}:", *parts]
    return [str(value)]
