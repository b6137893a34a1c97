"""`lgtsm timeline`: marked clips of an edit cleaned, and laid on a track above."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..batch.options import BatchOptions
from ..batch.worker_start import worker_context
from ..interruption import Interruption
from ..timeline.options import TimelineOptions
from .arguments import add_film_options, add_option, add_options
from .batch import (
    ALL_DONE,
    NONE_DONE,
    OF_ONE_FILM,
    SOME_DONE,
    defaults_of,
    table_of,
    tell_failed,
    tell_mistakes,
)
from .terminal import film_progress

_EPILOG = """Clips that carry a marker named lgtsm are cleaned, for the frames that they show and some handles. The
clean clips lie on a new track above; all other clips stay as they are. The marker's metadata `lgtsm` names,
as the columns of `lgtsm batch` do:
  mask, or boxes       file or folder; or a list of X,Y,W,H[@A-B]
  prompts              a list of FILE@FRAME (painted), X,Y,W,H@FRAME or X,Y@FRAME, tracked first
  plates, model        as in `lgtsm inpaint`
  every option below   by its name, such as grow or max_side; it takes precedence over the one given here
Without metadata, its text counts: lgtsm as the name or the first line of the comment, then one `name: value`
a line, or all in one line between bars (lgtsm | grow: 6). Without a mask, NAME_mask.* beside the film is
taken. Frames are those of the film, counted from 0; files are relative to the timeline.

Clips with missing media, changed speed, or within nested sequences are left alone and named.

exit codes:
  0    every marked clip is clean
  4    some are; the others are named on stderr
  1    none is, or the timeline cannot be used

examples:
  lgtsm timeline edit.otio -o clean.otio
  lgtsm timeline edit.otio -o clean.otio --layer-only --workers 2
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "timeline",
        help="clean the marked clips of an editor's timeline",
        description="Clean the marked clips of an editor's timeline, and lay them on a track above.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "edit",
        type=Path,
        metavar="EDIT",
        help=".otio; .edl, .xml or .fcpxml where their adapters are installed",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="CLEAN",
        required=True,
        help="timeline to write (.otio)",
    )
    group = parser.add_argument_group("timeline")
    add_options(group, TimelineOptions, skip=("clips",))
    add_option(group, TimelineOptions, "clips", metavar="FOLDER")
    add_options(parser.add_argument_group("batch"), BatchOptions)
    add_film_options(parser, skip=(*OF_ONE_FILM, "rate"))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Clean the timeline; name the clips that were left alone."""
    batch = BatchOptions.of(vars(arguments))
    if batch.on is None:
        worker_context()  # gets ready while this process imports torch
    from ..batch.table import JobListError
    from ..timeline.call import clean_timeline

    try:
        with film_progress(arguments, "timeline") as bar:
            result = clean_timeline(
                arguments.edit,
                arguments.output,
                defaults=defaults_of(arguments),
                options=TimelineOptions.of(vars(arguments)),
                batch=batch,
                progress=bar,
                cancel=interruption.happened,
            )
    except JobListError as error:
        return tell_mistakes(error)
    if not arguments.quiet:
        print(table_of(result.batch), file=sys.stderr)
    for sentence in (*result.notes, *result.left):
        print(f"lgtsm: {sentence}", file=sys.stderr)
    failed = tell_failed(result.batch) != ALL_DONE
    if not result.is_written:
        return NONE_DONE
    if not arguments.quiet:
        print(f"{arguments.output}: clips laid above: {result.num_clean}", file=sys.stderr)
    return SOME_DONE if failed or result.left else ALL_DONE
