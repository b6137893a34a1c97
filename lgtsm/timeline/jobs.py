"""Marked clips as jobs of a batch, each for the frames that it shows and its handles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..batch.columns import read_job
from ..batch.description import BatchJob
from ..film_names import MASK_ENDING, stem_of, written_name
from ..prompt_names import painted_files
from .clips import MarkedClip
from .options import TimelineOptions


@dataclass(frozen=True)
class ClipJob:
    """A marked clip and the job that makes its clean film; clips that show the same share one."""

    clip: MarkedClip
    job: BatchJob
    start: int
    end: int


def plan_jobs(
    clips: Sequence[MarkedClip],
    base: Path,
    defaults: Mapping[str, object],
    options: TimelineOptions,
) -> tuple[list[ClipJob], list[str]]:
    """Return the job of every clip.

    Args:
        clips: to clean.
        base: folder of the timeline, from which the files of markers are found.
        defaults: values of the columns that a marker leaves out.
        options: of the timeline.

    Returns:
        The jobs, and a sentence for every mistake.
    """
    planned: list[ClipJob] = []
    problems: list[str] = []
    names: dict[BatchJob, str] = {}
    for clip in clips:
        values = clip.values | {
            "source": str(clip.film.path),
            "start": clip.start,
            "end": clip.end,
        }
        if not values.keys() & {"mask", "box", "track"} and (mask := _mask_beside(clip.film.path)):
            values["mask"] = str(mask)
        job, mistakes = read_job(values, base.absolute(), defaults)
        if job is not None:
            mistakes = _lost_files(job)
        if job is None or mistakes:
            problems.extend(f"{clip.place}: {mistake}" for mistake in mistakes)
            continue
        job = job.with_handles(options.handles, clip.film.info.num_frames)
        job = _named(job, clip, names, with_layer=options.layer_only)
        end = clip.film.info.num_frames if job.video.end is None else job.video.end
        planned.append(ClipJob(clip, job, job.video.start, end))
    return planned, problems


def _lost_files(job: BatchJob) -> list[str]:
    """Return a sentence for a mask or painted frame that is not there."""
    named = [("a mask", file) for file in map(Path, filter(None, [job.mask]))]
    named += [("a painted frame", file) for file in painted_files(job.track)]
    return [
        f"Expected {what}, found no {file}; correct the marker."
        for what, file in named
        if not file.exists()
    ]


def _mask_beside(film: Path) -> Path | None:
    """Return the mask that lies beside a film under its name, if there is exactly one."""
    wanted = stem_of(film) + MASK_ENDING
    found = [path for path in film.parent.iterdir() if stem_of(path) == wanted]
    return found[0] if len(found) == 1 else None


def _named(
    job: BatchJob, clip: MarkedClip, names: dict[BatchJob, str], *, with_layer: bool
) -> BatchJob:
    """Name a job's results by film and frames; equal jobs get one name, others never do.

    Args:
        job: of the clip.
        clip: of the job.
        names: given so far, by job without its own; gets the new one.
        with_layer: the fill layer is written too.
    """
    source = clip.film.path
    bare = replace(job, output="", fill_layer=None)
    if bare not in names:
        stem = f"{source.stem}_{job.video.start:06}-{job.video.end or 0:06}"
        taken = {name.casefold() for name in names.values()}
        others = (f"{stem}_{number}" for number in range(2, len(names) + 2))
        names[bare] = next(n for n in (stem, *others) if n.casefold() not in taken)
    suffix = Path(written_name(source, lossless=job.video.lossless)).suffix
    name = names[bare]
    return replace(job, output=name + suffix, fill_layer=f"{name}_fill.mov" if with_layer else None)
