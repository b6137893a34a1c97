"""`lgtsm score --protocol text` and `shadow`: how well mask tools find what was drawn or rendered."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..interruption import Interruption
from .terminal import align_tables, make_folder, progress_bar, write_text

if TYPE_CHECKING:
    from ..evaluate.score.shadow_masks import ShadowScores
    from ..evaluate.score.text_masks import TextScores

PROTOCOLS = ("text", "shadow")


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Score, write PROTOCOL.json and print the table."""
    make_folder(arguments.output)
    with progress_bar("score", unit="clip", quiet=arguments.quiet) as bar:
        scores = _scored(arguments, interruption, bar)
    target = arguments.output / f"{arguments.protocol}.json"
    write_text(target, scores.to_json().rstrip())
    table = scores.table()
    print(align_tables(table) if sys.stdout.isatty() else table)
    print(f"results: {target}")
    return 0


def _scored(
    arguments: argparse.Namespace, interruption: Interruption, bar: Callable[[int, int, str], None]
) -> TextScores | ShadowScores:
    from ..evaluate.score.shadow_masks import NAME, score_shadows
    from ..evaluate.score.text_masks import score_text

    given: dict[str, Any] = {"num_frames": arguments.frames, "max_clips": arguments.clips}
    given |= {"progress": bar, "cancel": interruption.happened}
    if arguments.protocol == NAME:
        return score_shadows(**given)
    return score_text(arguments.data, **given)
