"""`lgtsm inpaint --track`: the mask is tracked before the fill, into a temporary file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import OptionError
from ..interruption import Interruption
from ..options import InpaintOptions, VideoOptions
from ..prompt_names import painted_files, read_prompts
from ..track_options import TrackOptions
from .terminal import film_progress


def check_track(arguments: argparse.Namespace) -> None:
    """Refuse options that do not fit `--track`, or that need it, before any work.

    Raises:
        OptionError: several inputs, options that need a finished mask, or `--tracker` or `--keep` alone.
        VideoError: the folder of `--keep` is another file of the command.
    """
    if not arguments.track:
        is_default = TrackOptions.of(vars(arguments)) == TrackOptions()
        alone = "--keep" if is_default else "--tracker"
        if arguments.keep is not None or not is_default:
            raise OptionError(
                f"Expected {alone} together with --track, got it alone; add --track PAINTED.png@FRAME."
            )
        return
    if len(arguments.inputs) != 1 or arguments.dry_run or arguments.resume:
        raise OptionError(
            "Expected --track with one film and neither --dry-run nor --resume, got one of these or more "
            "films; run `lgtsm track` first, and give the mask that it writes with --mask."
        )
    from ..file_names import refuse_shared_names

    refuse_shared_names(
        [*arguments.inputs, *painted_files(arguments.track)], [arguments.output, arguments.keep]
    )


@contextmanager
def tracked_mask(
    arguments: argparse.Namespace,
    options: InpaintOptions,
    video: VideoOptions,
    interruption: Interruption,
) -> Iterator[Path | None]:
    """Yield the mask that `--track` stands for, None without it.

    Raises:
        OptionError: a prompt that cannot be used.
        VideoError: the input cannot be read, or what is tracked cannot be kept.
    """
    if not arguments.track:
        yield None
        return
    from ..engine.hooks import Hooks
    from ..file_tracking import track_for_job
    from ..tracked_folder import TrackedFolder

    source: Path = arguments.inputs[0]
    with TemporaryDirectory(prefix="lgtsm_") as folder:
        mask = Path(folder) / "mask.mkv"
        with film_progress(arguments, f"{source.name}, mask") as bar:
            found = track_for_job(
                source,
                read_prompts(arguments.track),
                mask,
                options,
                video,
                tracking=TrackOptions.of(vars(arguments)),
                kept=None if arguments.keep is None else TrackedFolder(arguments.keep, source),
                hooks=Hooks(bar, interruption.happened),
            )
        if not arguments.quiet:
            print(found.advice, file=sys.stderr)
        yield mask
