"""`lgtsm convert`: turn a published checkpoint into a weight file; none of its code can run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..interruption import Interruption

if TYPE_CHECKING:
    from ..models.spec import CombCNSpec, TrunkSpec


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    text = (
        "Convert a checkpoint published with the papers (LGTSM, GTSM, vanilla TSM, plain 2-D, "
        "3DGated, CombCN). The pickle is read without running its code; the new file is for research "
        "use only."
    )
    parser = commands.add_parser("convert", help="convert a published file", description=text)
    parser.add_argument("old", type=Path, metavar="OLD", help=".pth or .safetensors, as published")
    parser.add_argument("new", type=Path, metavar="NEW", help=".safetensors file to write")
    parser.add_argument("--force", action="store_true", help="replace NEW if it exists")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Convert one file and describe it."""
    from ..weights.published.convert import convert

    found = convert(arguments.old, arguments.new, force=arguments.force)
    card = found.card
    epoch = card.provenance["epoch"]
    print(
        f"{arguments.new}: {found.family}, width {card.spec.trunk.width}, "
        f"{_time(card.spec.trunk)}, {found.num_parameters:,} parameters"
    )
    dropped = f"discriminator ({found.num_left_out} tensors) left out"
    print(
        f"{'epoch not stated' if epoch is None else f'epoch {epoch}'}, {found.kind} file, "
        f"{dropped if found.num_left_out else 'no discriminator'}; licence {card.licence}"
    )
    print(f"recognised by: {found.decided_by}")
    return 0


def _time(trunk: TrunkSpec | CombCNSpec) -> str:
    """Describe how information passes between frames."""
    from ..models.spec import CombCNSpec

    if isinstance(trunk, CombCNSpec):
        return "a 3-D body at half size and a 2-D one"
    if trunk.kernel_frames > 1:
        return f"kernels over {trunk.kernel_frames} frames"
    kind = trunk.shift.kind.value
    if kind == "none":
        return "no temporal shift"
    first = "shifted" if trunk.shift.first_layer else "not shifted"
    groups = f"{trunk.shift.groups} group{'s' if trunk.shift.groups > 1 else ''}"
    return f"{kind} shift of width {trunk.shift.width} in {groups}, first layer {first}"
