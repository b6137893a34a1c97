"""`lgtsm convert`: turn a published checkpoint into a weight file; none of its code can run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..interruption import Interruption

if TYPE_CHECKING:
    from ..models.neighbour_spec import NeighbourSpec
    from ..models.spec import NetworkSpec


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    text = (
        "Convert a checkpoint published with the papers (LGTSM, GTSM, vanilla TSM, plain 2-D, "
        "3DGated, CombCN, DFPN, CPN, CHN, guided inpainting). The pickle is read without running its "
        "code; the new file states what it may be used for."
    )
    parser = commands.add_parser("convert", help="convert a published file", description=text)
    parser.add_argument("old", type=Path, metavar="OLD", help=".pth or .safetensors, as published")
    parser.add_argument("new", type=Path, metavar="NEW", help=".safetensors file to write")
    parser.add_argument("--force", action="store_true", help="replace NEW if it exists")
    parser.add_argument(
        "--align-corners",
        choices=("yes", "no"),
        default="yes",
        help="sampling grid of a CPN: yes for that of the torch it was trained with, no for that of today's torch",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Convert one file and describe it."""
    from ..models.neighbour_spec import NeighbourSpec
    from ..weights.published.convert import convert

    found = convert(
        arguments.old,
        arguments.new,
        force=arguments.force,
        align_corners=arguments.align_corners == "yes",
    )
    card = found.card
    epoch = card.provenance["epoch"]
    print(
        f"{arguments.new}: {found.family}, {_describe(card.spec)}, "
        f"{found.num_parameters:,} parameters"
    )
    other = isinstance(card.spec, NeighbourSpec) or card.spec.paints
    what = "other networks" if other else "discriminator"
    dropped = f"{what} ({found.num_left_out} tensors) left out"
    print(
        f"{'epoch not stated' if epoch is None else f'epoch {epoch}'}, {found.kind} file, "
        f"{dropped if found.num_left_out else f'no {what}'}; licence {card.licence}"
    )
    print(f"recognised by: {found.decided_by}")
    return 0


def _describe(spec: NetworkSpec | NeighbourSpec) -> str:
    """Describe the size, and how information passes between frames."""
    from ..models.neighbour_spec import NeighbourSpec
    from ..models.spec import ChnSpec, CombCNSpec

    if isinstance(spec, NeighbourSpec):
        config = {key: value for key, value in spec.to_config().items() if key != "family"}
        sizes = "".join(f", {key.replace('_', ' ')} {value}" for key, value in config.items())
        return f"for {spec.role.takes}{sizes}"
    trunk = spec.trunk
    if isinstance(trunk, ChnSpec):
        return f"{trunk.num_blocks} blocks, one aligned reference at a time"
    width = f"width {trunk.width}"
    if isinstance(trunk, CombCNSpec):
        return f"{width}, a 3-D body at half size and a 2-D one"
    if trunk.kernel_frames > 1:
        return f"{width}, kernels over {trunk.kernel_frames} frames"
    kind = trunk.shift.kind.value
    if kind == "none":
        return f"{width}, no temporal shift"
    first = "shifted" if trunk.shift.first_layer else "not shifted"
    groups = f"{trunk.shift.groups} group{'s' if trunk.shift.groups > 1 else ''}"
    return f"{width}, {kind} shift of width {trunk.shift.width} in {groups}, first layer {first}"
