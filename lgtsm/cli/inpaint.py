"""`lgtsm inpaint`: fill the holes of files or folders of frames."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ..errors import Cancelled, LgtsmError, OptionError
from ..interruption import Interruption
from ..options import InpaintOptions, MaskOptions, RunOptions, VideoOptions
from .fields import add_fields, from_fields
from .progress import Bar
from .sizes import format_seconds
from .tasks import Task, make_folders, plan_tasks

GROW_PX = 4
"""Masks from segmenters are tight and leave a halo; the library itself grows nothing."""

_EPILOG = """several inputs:
  -o, --fill-layer and --mask-used are then folders (created if need be) that get one file an
  input, named like it. --mask is one mask for all, or a folder with one mask an input, named like
  it (film.mp4 takes film.png, film.mkv or the folder film). After an error the other inputs are
  still done; the exit code is 1. With --resume, inputs whose output is whole are left alone.

examples:
  lgtsm inpaint film.mp4 --mask mask.png -o clean.mp4
  lgtsm inpaint film.mp4 --box 20,20,180,60 --box 0,0,64,64@30-90 -o clean.mp4
  lgtsm inpaint film.mp4 --mask mask.mkv --reference painted.png@120 -o clean.mp4
  lgtsm inpaint film.mov --mask masks/ --fill-layer fill.mov --lossless -o clean.mkv
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "inpaint",
        help="fill the holes of videos",
        description="Fill the holes of videos or folders of frames; nothing else changes.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "inputs", nargs="+", type=Path, metavar="IN", help="video file or folder of images"
    )
    hole = parser.add_mutually_exclusive_group(required=True)
    hole.add_argument(
        "--mask", type=Path, metavar="MASK", help="still image, video or folder; white is the hole"
    )
    hole.add_argument(
        "--box",
        action="append",
        metavar="X,Y,W,H[@A-B]",
        help="rectangle as the hole, in frames A to B (B not included); may be repeated",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help="file (.mp4, .mov, .mkv, .webm) or folder for frames; appears when it is whole",
    )
    parser.add_argument(
        "--model", metavar="NAME", help="built-in network or weight file (see `lgtsm models`)"
    )
    group = parser.add_argument_group("fill")
    add_fields(group, InpaintOptions, skip=("cuts",))
    group.add_argument(
        "--reference",
        action="append",
        default=[],
        dest="pictures",
        metavar="FILE[@FRAME]",
        help="clean plate or painted frame, with the number of its frame if it has one; goes before "
        "everything else; may be repeated",
    )
    cuts = group.add_mutually_exclusive_group()
    cuts.add_argument(
        "--cuts",
        type=_parse_cuts,
        metavar="N,N",
        help="frame numbers at which a new shot begins; without it they are detected",
    )
    cuts.add_argument(
        "--no-cuts", dest="cuts", action="store_const", const=(), help="there are no cuts"
    )
    add_fields(parser.add_argument_group("mask"), MaskOptions, defaults={"grow": GROW_PX})
    add_fields(parser.add_argument_group("run"), RunOptions)
    group = parser.add_argument_group("video")
    add_fields(group, VideoOptions)
    group.add_argument(
        "--fill-layer",
        type=Path,
        metavar="OUT",
        help="write the fill alone with alpha: .mov (ProRes 4444) or a folder of PNG",
    )
    group.add_argument(
        "--mask-used",
        type=Path,
        metavar="OUT",
        help="write the holes that were filled: .mkv or a folder of PNG",
    )
    group = parser.add_argument_group("talk")
    group.add_argument(
        "--report",
        metavar="FILE",
        help="write the figures as JSON (a list for several inputs); - is stdout",
    )
    group.add_argument(
        "--dry-run", action="store_true", help="say what it would take and write nothing"
    )
    group.add_argument("--quiet", action="store_true", help="no bar, no summary, only errors")
    group.add_argument("-v", "--verbose", action="store_true", help="tell more on stderr")
    parser.set_defaults(run=run, parser=parser)


def _parse_cuts(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"expected frame numbers such as 12,40, got {text!r}"
        ) from error


def collect(arguments: argparse.Namespace) -> tuple[InpaintOptions, VideoOptions]:
    """Build the options of the job from parsed arguments.

    Raises:
        OptionError: a value outside its range.
    """
    mask = from_fields(MaskOptions, arguments)
    options = from_fields(
        InpaintOptions, arguments, mask=mask, run=from_fields(RunOptions, arguments)
    )
    return options, from_fields(VideoOptions, arguments)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Do all inputs; one that fails does not stop the others."""
    if arguments.output is None and not arguments.dry_run:
        arguments.parser.error("an output is needed: add -o OUT")
    options, video = collect(arguments)
    tasks = plan_tasks(arguments)
    if not arguments.dry_run:
        _check_report(arguments.report)
        make_folders(arguments)
    entries, failures = [], []
    for task in tasks:
        try:
            if arguments.dry_run:
                _rehearse(task, options, video, arguments, interruption)
                continue
            if len(tasks) > 1 and video.resume and _is_done(task.target):
                _say(f"{task.target}: there already, left alone", arguments)
                continue
            report = _fill(task, options, video, arguments, interruption)
            entries.append({"source": str(task.source), **report})
        except (KeyboardInterrupt, Cancelled):
            print("lgtsm: interrupted; run again with --resume to go on", file=sys.stderr)
            return 130
        except LgtsmError as error:
            if len(tasks) == 1:
                raise
            print(f"lgtsm: {task.source}: {error}", file=sys.stderr)
            failures.append(task.source)
            entries.append({"source": str(task.source), "error": str(error)})
    if arguments.report and not arguments.dry_run:
        _write_report(arguments.report, entries if len(tasks) > 1 else entries[0])
    if failures:
        names = ", ".join(str(path) for path in failures)
        print(f"lgtsm: {len(failures)} of {len(tasks)} failed: {names}", file=sys.stderr)
    return 1 if failures else 0


def _rehearse(
    task: Task,
    options: InpaintOptions,
    video: VideoOptions,
    arguments: argparse.Namespace,
    interruption: Interruption,
) -> None:
    from .plates import parse_plate
    from .rehearsal import rehearse

    pictures = tuple(parse_plate(text) for text in arguments.pictures)
    print(rehearse(task, options, video, arguments.model, interruption.happened, pictures))


def _fill(
    task: Task,
    options: InpaintOptions,
    video: VideoOptions,
    arguments: argparse.Namespace,
    interruption: Interruption,
) -> dict[str, object]:
    """Do one input with its bar; return its figures."""
    from ..api import inpaint_video
    from .plates import parse_plate

    with Bar(task.source.name, quiet=arguments.quiet) as bar:
        report = inpaint_video(
            task.source,
            task.mask,
            task.target,
            model=arguments.model,
            options=options,
            video=video,
            fill_layer=task.fill_layer,
            mask_used=task.mask_used,
            plates=[parse_plate(text) for text in arguments.pictures],
            progress=bar,
            cancel=interruption.happened,
        )
    speed = (report.frames - report.resumed_from) / max(report.seconds, 1e-6)
    resumed = f", {report.resumed_from} of them from before" if report.resumed_from else ""
    _say(
        f"{task.target}: {report.frames} frames{resumed} in {format_seconds(report.seconds)}, "
        f"{speed:.1f} frames/s",
        arguments,
    )
    return json.loads(report.to_json())


def _say(text: str, arguments: argparse.Namespace) -> None:
    # stderr: stdout belongs to --report -
    if not arguments.quiet:
        print(text, file=sys.stderr)


def _is_done(target: Path) -> bool:
    """Tell whether an earlier run finished a target: it is there and has no journal."""
    from ..journal import journal_folder

    return target.exists() and not journal_folder(target).exists()


def _check_report(report: str | None) -> None:
    """Refuse a report that cannot be written before hours are spent."""
    if report and report != "-" and not Path(report).absolute().parent.is_dir():
        raise OptionError(
            f"Expected an existing folder for the report, got {report}; create the folder first."
        )


def _write_report(report: str, values: object) -> None:
    text = json.dumps(values, indent=2)
    if report == "-":
        print(text)
        return
    try:
        Path(report).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise OptionError(
            f"Expected to write the report {report}, got: {error.strerror}; choose another file."
        ) from error
