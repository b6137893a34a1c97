"""A film of two videos, before and after a repair, in one picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

from .engine.hooks import Hooks
from .errors import ShapeError, VideoError
from .masks.overlay import compare
from .options import CompareAs
from .video.clip import PictureWriter
from .video.probe import count_frames, probe
from .video.read import read_frames, read_masks


class VideoRange(NamedTuple):
    """Frames of a video file, from `start` up to `end`, which is not included; None is the end of the file."""

    path: Path
    start: int = 0
    end: int | None = None

    @property
    def num_frames(self) -> int:
        """Return the number of frames."""
        number = count_frames(self.path)
        return max(0, min(number, self.end or number) - self.start)


def compare_files(
    before: VideoRange,
    after: VideoRange,
    target: Path,
    *,
    mask: VideoRange | None = None,
    compare_as: CompareAs = CompareAs.SIDE_BY_SIDE,
    progress: Callable[[int, int, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> None:
    """Write a film that shows a video before and after its repair; see `masks.overlay.compare`.

    Args:
        before: the source; the film has its frame times, from 0 on.
        after: the result, frame by frame.
        target: film or folder of PNG; appears once it is complete.
        mask: black and white, white where something was erased; needed where `compare_as` is mask. Frames are
            numbered from 0 there.
        compare_as: side by side, with or without the mask, or as a wipe.
        progress: called as progress(done, total, note).
        cancel: asked between frames; True stops.

    Raises:
        VideoError: a file that cannot be read or written, or files of different lengths.
        ShapeError: files of different sizes.
        OptionError: a mask to be shown is missing.
        Cancelled: `cancel` returned True.
    """
    clips = {"before": before, "after": after} | ({} if mask is None else {"mask": mask})
    counts = {name: clip.num_frames for name, clip in clips.items()}
    if len(set(counts.values())) > 1:
        raise VideoError(
            f"Expected videos of one length to compare, got frames: {_listed(counts)}; give the source and the "
            "result of one job."
        )
    found = {name: probe(clip.path) for name, clip in clips.items()}
    sizes = {name: f"{info.width}x{info.height}" for name, info in found.items()}
    if len(set(sizes.values())) > 1:
        raise ShapeError(
            f"Expected videos of one size to compare, got {_listed(sizes)}; give the source and the result of "
            "one job."
        )
    hooks, total = Hooks(progress, cancel), counts["before"]
    sources = hooks.checked(read_frames(before.path, start=before.start, end=before.end))
    results = read_frames(after.path, start=after.start, end=after.end)
    holes = repeat(None) if mask is None else read_masks(mask.path, start=mask.start, end=mask.end)
    begin: Fraction | None = None
    with PictureWriter(target, rate=found["before"].rate) as film:
        for number, (source, result, hole) in enumerate(
            zip(sources, results, holes, strict=False)  # damaged files end early
        ):
            begin = source.time if begin is None else begin
            (shown,) = compare(
                source.rgb()[None],
                result.rgb()[None],
                compare_as,
                holes=None if hole is None else hole[None],
                first=number,
            )
            film.write(shown, time=source.time - begin, time_base=source.native.time_base)
            hooks.report(number + 1, total, "comparing")


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
