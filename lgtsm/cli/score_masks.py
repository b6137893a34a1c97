"""`lgtsm score --protocol text`: how well mask tools find what a protocol has drawn."""

from __future__ import annotations

import argparse
import sys

from ..errors import OptionError
from ..interruption import Interruption
from .terminal import align_tables, progress_bar, write_text

PROTOCOLS = ("text",)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Score, write `text.json` and print the table."""
    from ..evaluate.score.text_masks import score_text

    with progress_bar("score", unit="clip", quiet=arguments.quiet) as bar:
        scores = score_text(
            arguments.data,
            num_frames=arguments.frames,
            max_clips=arguments.clips,
            progress=bar,
            cancel=interruption.happened,
        )
    try:
        arguments.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(
            f"Expected to write the results to {arguments.output}, got: {error.strerror}; choose "
            "another folder."
        ) from error
    target = arguments.output / f"{arguments.protocol}.json"
    write_text(target, scores.to_json().rstrip())
    table = scores.table()
    print(align_tables(table) if sys.stdout.isatty() else table)
    print(f"results: {target}")
    return 0
