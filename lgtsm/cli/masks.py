"""`lgtsm masks`: masks drawn, found without a model, found as text, made of painted ones, or completed."""

from __future__ import annotations

import argparse

from . import masks_between, masks_complete, masks_draw, masks_found


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its kinds to the parser."""
    parser = commands.add_parser(
        "masks",
        help="make masks: of logos, burned-in text, shadows; between painted ones; drawn ones",
        description="Make a mask clip for `lgtsm inpaint`; white is the hole.",
    )
    kinds = parser.add_subparsers(
        title="kinds", dest="kind_of_masks", required=True, help="how masks are made"
    )
    masks_found.add(kinds)
    masks_between.add(kinds)
    masks_complete.add(kinds)
    masks_draw.add(kinds)
