"""`lgtsm inpaint`: fill the holes of files or folders of frames."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..errors import Cancelled, LgtsmError
from ..interruption import Interruption
from ..mask_options import MaskOptions, default_grow_percent
from ..neighbour_options import NeighbourOptions
from ..options import InpaintOptions, RunOptions, VideoOptions
from ..plate_names import parse_plates, plate_file
from .arguments import add_cuts, add_film_options, add_hole, add_plates
from .completed_mask import check_complete, completed_task
from .existing import check_existing, is_done
from .masks_complete import add_complete
from .tasks import Task, check_files, make_folders, plan_tasks
from .terminal import film_progress, format_seconds, format_speed, write_text
from .tracked_mask import check_track, tracked_mask

_USAGE = """lgtsm inpaint IN [IN ...] (--track OBJECT@FRAME | --mask MASK | --box X,Y,W,H[@A-B]) -o OUT [options]"""
_DESCRIPTION = """Remove what a mask or a box covers, or what is tracked, from videos or folders of frames.
Nothing else changes.

examples:
  lgtsm inpaint film.mp4 --track painted.png@0 -o clean.mp4          # painted in frame 0, see `lgtsm frame`
  lgtsm inpaint film.mp4 --track 120,80,200,260@0 -o clean.mp4       # in a box in frame 0
  lgtsm inpaint film.mp4 --mask mask.png -o clean.mp4 --compare compare.mp4
  lgtsm inpaint film.mp4 --mask mask.mkv --complete shadow,rim -o clean.mp4
  lgtsm inpaint film.mp4 --box 20,20,180,60 --box 0,0,64,64@30-90 -o clean.mp4
  lgtsm inpaint film.mp4 --mask mask.mkv --plate painted.png@120 -o clean.mp4
  lgtsm keyframes film.mp4 --mask mask.mkv -o keys                   # paint in keys, then:
  lgtsm inpaint film.mp4 --mask mask.mkv --plate keys -o clean.mp4
  lgtsm inpaint films/ --mask masks/ -o clean/
  lgtsm inpaint film.mov --mask masks/ --fill-layer fill.mov --lossless -o clean.mkv

Most jobs need only the first options below; all the others may be left alone."""
_EPILOG = """several inputs, or a folder of films:
  -o, --fill-layer, --mask-used and --compare are then folders, created if needed, with one file per input,
  named after it. --mask is one mask for all inputs, or a folder with one mask per input,
  named after it (film.mp4 uses film.png, film.mkv or the folder film). If one input fails, the
  others are still processed and the exit code is 1.

outputs that exist:
  are replaced once the new ones are complete; on a terminal you are asked first. --overwrite never asks,
  --no-overwrite refuses them before any work. --resume skips an input whose output is complete and newer
  than its files.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "inpaint",
        help="remove what is masked or tracked from videos",
        usage=_USAGE,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="IN",
        help="video file, folder of images, or folder of films",
    )
    add_hole(parser).add_argument(
        "--track",
        action="append",
        metavar="OBJECT@FRAME",
        help="the object in one frame, tracked through the film first: a picture with the object erased or painted "
        "white (see `lgtsm frame`), a box X,Y,W,H around it, or a point X,Y on it; may be repeated",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="with --track: keep what was tracked, so that one more painted frame costs only the frames next to it",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help="file (.mp4, .mov, .mkv, .webm, .gif) or folder for frames; appears once it is complete",
    )
    groups = add_film_options(parser)
    add_plates(groups["fill"])
    add_cuts(groups["fill"])
    add_complete(groups["mask"], None)
    group = groups["video"]
    group.add_argument(
        "--overwrite",
        action=argparse.BooleanOptionalAction,
        help="replace outputs that exist without asking, or refuse to",
    )
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
        help="write the mask that was filled: .mkv or a folder of PNG (exact), .mp4 or .mov",
    )
    group.add_argument(
        "--compare",
        type=Path,
        metavar="OUT",
        help="write before and after as a film to look at (see --compare-as): .mp4, .mov or .mkv, at most 3840 "
        "pixels wide, or a folder of PNG",
    )
    group = groups["messages"]
    group.add_argument(
        "--report",
        metavar="FILE",
        help="write the report as JSON (a list for several inputs); - is stdout",
    )
    group.add_argument(
        "--dry-run", action="store_true", help="estimate time and memory, and write nothing"
    )
    parser.set_defaults(run=run, parser=parser)


def collect(arguments: argparse.Namespace) -> tuple[InpaintOptions, VideoOptions]:
    """Build the options of the job from parsed arguments.

    Raises:
        OptionError: a value outside its limits.
    """
    given = vars(arguments)
    if given["grow_percent"] is None:
        given = given | {"grow_percent": default_grow_percent(is_tracked=bool(arguments.track))}
    parts = {"mask": MaskOptions, "run": RunOptions, "neighbours": NeighbourOptions}
    built = {name: kind.of(given) for name, kind in parts.items()}
    return InpaintOptions.of(given, **built), VideoOptions.of(given)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Process all inputs; one that fails does not stop the others."""
    if arguments.output is None and not arguments.dry_run:
        arguments.parser.error("an output is needed: add -o OUT")
    options, video = collect(arguments)
    check_complete(arguments)
    check_track(arguments)
    if not arguments.dry_run:
        # before the mask is tracked, which takes minutes
        report, tasks = arguments.report, plan_tasks(arguments)
        written = Path(report) if report and report != "-" else None
        check_files(tasks, [plate_file(text)[0] for text in arguments.plates], written)
        check_existing(tasks, arguments)
    with tracked_mask(arguments, options, video, interruption) as mask:
        arguments.mask = mask or arguments.mask
        return _run(arguments, options, video, interruption)


def _run(
    arguments: argparse.Namespace,
    options: InpaintOptions,
    video: VideoOptions,
    interruption: Interruption,
) -> int:
    """Process all inputs with the mask that is given or was tracked."""
    tasks = plan_tasks(arguments)
    settings = {
        "model": arguments.model,
        "options": options,
        "video": video,
        "plates": parse_plates(arguments.plates),
        "cancel": interruption.happened,
    }
    if not arguments.dry_run:
        make_folders(arguments, tasks)
    entries: list[dict[str, Any]] = []
    failures: list[Path] = []
    for task in tasks:
        try:
            target = task.target
            if arguments.dry_run or target is None:
                from .rehearsal import rehearse

                print(rehearse(task, **settings))
                continue
            if video.resume and is_done(task):
                _say(f"{target}: complete already, skipped", arguments)
                entries.append({"source": str(task.source), "skipped": True})
                continue
            with completed_task(task, arguments, options, video, interruption) as whole:
                changed = {**settings, "options": whole.options}
                report = _fill(whole.task, target, arguments, changed) | whole.report
            entries.append({"source": str(task.source), **report})
        except (KeyboardInterrupt, Cancelled):
            print("lgtsm: interrupted; run again with --resume to continue", file=sys.stderr)
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


def _fill(
    task: Task, target: Path, arguments: argparse.Namespace, settings: dict[str, Any]
) -> dict[str, object]:
    """Process one input with a progress bar; return its report."""
    from ..api import inpaint_video

    with film_progress(arguments, task.source.name) as bar:
        report = inpaint_video(
            task.source,
            task.mask,
            target,
            fill_layer=task.fill_layer,
            mask_used=task.mask_used,
            compare=task.compare,
            progress=bar,
            **settings,
        )
    resumed = f", {report.resumed_from} of them from before" if report.resumed_from else ""
    origin = f". {report.origin}" if report.origin else ""
    _say(
        f"{target}: {report.frames} frames{resumed} in {format_seconds(report.seconds)}, "
        f"{format_speed(report.frames - report.resumed_from, report.seconds)}{origin}",
        arguments,
    )
    return json.loads(report.to_json())


def _say(text: str, arguments: argparse.Namespace) -> None:
    # stderr: stdout belongs to --report -
    if not arguments.quiet:
        print(text, file=sys.stderr)


def _write_report(report: str, values: object) -> None:
    text = json.dumps(values, indent=2)
    if report == "-":
        print(text)
    else:
        write_text(Path(report), text)
