"""`lgtsm inpaint --complete`: the mask is completed before the fill, into a file that nobody keeps."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import OptionError
from ..interruption import Interruption
from ..options import InpaintOptions, VideoOptions
from .tasks import Task
from .terminal import progress_bar


@dataclass(frozen=True)
class CompletedTask:
    """A task whose mask is whole.

    task, options: with the mask, and how it is read.
    report: what was added, for the report of the job.
    """

    task: Task
    options: InpaintOptions
    report: dict[str, object] = field(default_factory=dict[str, object])


def check_complete(arguments: argparse.Namespace) -> None:
    """Refuse what does not go with `--complete` before any work.

    Raises:
        OptionError: a word that is not known, or options that need a mask to keep.
    """
    from ..completion.kinds import parse_additions

    if arguments.complete is None:
        return
    parse_additions(arguments.complete)
    if arguments.dry_run or arguments.resume:
        raise OptionError(
            "Expected --complete without --dry-run and --resume, got one of them; run `lgtsm masks "
            "complete` first and give its mask with --mask."
        )


@contextmanager
def completed_task(
    task: Task,
    arguments: argparse.Namespace,
    options: InpaintOptions,
    video: VideoOptions,
    interruption: Interruption,
) -> Iterator[CompletedTask]:
    """Yield the task with its mask completed as `--complete` says; unchanged without it.

    Raises:
        LgtsmError: the mask cannot be completed.
    """
    if arguments.complete is None:
        yield CompletedTask(task, options)
        return
    from ..completion.kinds import parse_additions
    from ..file_completion import complete_file

    more = options.mask.temporal_gap + options.mask.temporal_grow
    with TemporaryDirectory(prefix="lgtsm_") as folder:
        mask = Path(folder) / "mask.mkv"
        with progress_bar(f"{task.source.name}, mask", quiet=arguments.quiet) as bar:
            found = complete_file(
                task.source,
                task.mask,
                mask,
                kinds=parse_additions(arguments.complete),
                options=options.mask,
                start=max(0, video.start - more),
                end=None if video.end is None else video.end + more,
                cuts=options.cuts,
                progress=bar,
                cancel=interruption.happened,
            )
        if not arguments.quiet:
            print(f"{task.source.name}: {found.text}", file=sys.stderr)
        # what was written is a hole already
        read = replace(options.mask, invert=False, threshold=0.5)
        yield CompletedTask(
            replace(task, mask=mask),
            replace(options, mask=read),
            {"added": {name: round(share, 6) for name, share in found.shares.items()}},
        )
