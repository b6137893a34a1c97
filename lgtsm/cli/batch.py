"""`lgtsm batch`: many films, in several processes; resumes after interruptions."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..batch.options import BatchOptions
from ..batch.worker_start import worker_context
from ..interruption import Interruption
from .arguments import add_film_options, add_options
from .farm import add_farm, do_task, write_farm
from .masks_complete import add_complete
from .terminal import film_progress, format_seconds, format_speed

if TYPE_CHECKING:
    from ..batch.run import BatchResult, Entry
    from ..batch.table import JobListError

ALL_DONE, NONE_DONE, SOME_DONE = 0, 1, 4
"""Exit codes."""
OF_ONE_FILM = ("start", "end", "resume")
"""Options of videos that are not the same for all films."""

_EPILOG = """JOBS is one of:
  a folder with pairs: shot.mp4 and shot_mask.png, .mkv or a folder shot_mask
  a table (.csv; commas, semicolons or tabs) whose first line names the columns
  a list (.jsonl) with one JSON object a line
  one job (.json), such as a project that `lgtsm studio` saved

columns:
  source               film or folder of images, relative to the list
  mask, box or track   file or folder; or X,Y,W,H[@A-B]; or prompts, from which the mask is tracked first:
                       FILE@FRAME (painted), X,Y,W,H@FRAME or X,Y@FRAME; several separated by ;
  complete             shadow, rim or shadow,rim, which are added to the mask first; none overrules --complete
  range                FIRST-END in frames, END not included (or start and end)
  output               name in FOLDER; by default that of the source
  fill_layer, mask_used, compare    names in FOLDER of further outputs
  model, plate         as in `lgtsm inpaint`; plates separated by ;
  every option below   by its name, such as grow or max_side; it takes precedence over the one given here

The list and its files are checked before anything runs; you get all mistakes at once. Started again, a batch
skips what is done and has not changed, redoes what has changed, and continues what was interrupted.
FOLDER/report.jsonl gets a line for every film.

exit codes:
  0    every film is done
  4    some are; the others are named on stderr
  1    none is, or the list cannot be used

examples:
  lgtsm batch shots/ -o clean/ --workers 2
  lgtsm batch jobs.csv -o clean/ --grow 6 --preset best
  lgtsm batch jobs.csv -o clean/ --on ray
  lgtsm batch jobs.csv -o clean/ --openjd farm.yaml
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "batch",
        help="the same for many videos; resumes after interruptions",
        description="Remove what is masked or tracked from many videos: a folder of pairs, a table or a list.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("jobs", type=Path, metavar="JOBS", help="folder, .csv, .jsonl or .json")
    parser.add_argument(
        "-o",
        "--output",
        dest="folder",
        type=Path,
        metavar="FOLDER",
        required=True,
        help="folder of the results, created where needed",
    )
    group = parser.add_argument_group("batch")
    add_options(group, BatchOptions)
    add_farm(group)
    groups = add_film_options(parser, skip=OF_ONE_FILM)
    add_complete(groups["mask"], None)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Do the batch; print a table of what became of every film."""
    options = BatchOptions.of(vars(arguments))
    if options.on is None and arguments.task is None and not arguments.openjd:
        worker_context()  # gets ready while this process imports torch
    from ..batch.run import run_batch
    from ..batch.table import JobListError

    if arguments.task is not None:
        return do_task(arguments, interruption)
    try:
        if arguments.openjd:
            return write_farm(arguments, interruption, options, defaults_of(arguments))
        with film_progress(arguments, "batch") as bar:
            result = run_batch(
                arguments.jobs,
                arguments.folder,
                defaults=defaults_of(arguments),
                options=options,
                progress=bar,
                cancel=interruption.happened,
            )
    except JobListError as error:
        return tell_mistakes(error)
    if not arguments.quiet:
        print(table_of(result), file=sys.stderr)
    return tell_failed(result)


def defaults_of(arguments: argparse.Namespace) -> dict[str, object]:
    """Return the values of all columns that are options of this command."""
    from ..batch.columns import OPTIONS

    given = vars(arguments)
    return {
        name: given[name] for name in ("model", "complete", *OPTIONS) if given.get(name) is not None
    }


def tell_mistakes(error: JobListError) -> int:
    """Tell all mistakes of a list; return the exit code."""
    for problem in error.problems:
        print(f"lgtsm: {problem}", file=sys.stderr)
    print(f"lgtsm: {len(error.problems)} mistakes, nothing was done", file=sys.stderr)
    return NONE_DONE


def tell_failed(result: BatchResult) -> int:
    """Name the films that failed; return the exit code."""
    failed = [entry for entry in result.entries if entry.state == "failed"]
    for entry in failed:
        print(f"lgtsm: {entry.output}: {entry.error}", file=sys.stderr)
    if not failed:
        return ALL_DONE
    print(f"lgtsm: {len(failed)} of {len(result.entries)} failed", file=sys.stderr)
    return SOME_DONE if len(failed) < len(result.entries) else NONE_DONE


def table_of(result: BatchResult) -> str:
    """Return one line for every film, in columns."""
    rows = [("film", "state", "frames", "time", "speed"), *map(_row, result.entries)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(lines)


def _row(entry: Entry) -> tuple[str, ...]:
    report = entry.report
    if not report:
        return entry.output, entry.state, "", "", ""
    frames, seconds = report["frames"], report["seconds"]
    speed = format_speed(frames - report["resumed_from"], seconds)
    return entry.output, entry.state, str(frames), format_seconds(seconds), speed
