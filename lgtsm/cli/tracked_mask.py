"""`lgtsm inpaint --track`: the mask is tracked before the fill, into a file that nobody keeps."""

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
from ..prompt_names import read_prompts
from ..track_options import TrackOptions
from .terminal import film_progress


@contextmanager
def tracked_mask(
    arguments: argparse.Namespace,
    options: InpaintOptions,
    video: VideoOptions,
    interruption: Interruption,
) -> Iterator[Path | None]:
    """Yield the mask that `--track` stands for, None without it.

    Raises:
        OptionError: several inputs, a prompt that cannot be used, or options that need a mask to keep.
        VideoError: the input cannot be read.
    """
    tracking = TrackOptions.of(vars(arguments))
    if not arguments.track:
        if tracking != TrackOptions():
            raise OptionError(
                "Expected --tracker together with --track, got it alone; add --track PAINTED.png@FRAME."
            )
        yield None
        return
    if len(arguments.inputs) != 1 or arguments.dry_run or arguments.resume:
        raise OptionError(
            "Expected --track with one film and neither --dry-run nor --resume, got one of these or more "
            "films; run `lgtsm track` first, and give the mask that it writes with --mask."
        )
    from ..engine.hooks import Hooks
    from ..file_tracking import track_for_job

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
                tracking=tracking,
                hooks=Hooks(bar, interruption.happened),
            )
        if not arguments.quiet:
            print(found.advice, file=sys.stderr)
        yield mask
