"""A timeline from its file to the one with clean clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from opentimelineio.schema import Clip, ExternalReference, Timeline, Track

from ..batch.options import BatchOptions
from ..batch.run import run_batch
from ..batch.table import JobListError
from ..errors import OptionError
from ..file_names import refuse_shared_names
from ..prompt_names import painted_files
from .clips import find_clips, has_effects
from .files import check_target, read_timeline, write_timeline
from .films import path_of
from .jobs import ClipJob, plan_jobs
from .options import TimelineOptions
from .overlay import clean_clip, overlay_of
from .result import TimelineResult


def clean_file(
    edit: Path,
    target: Path,
    defaults: Mapping[str, object],
    options: TimelineOptions,
    batch: BatchOptions,
    *,
    progress: Callable[[int, int, str], None] | None,
    cancel: Callable[[], bool] | None,
) -> TimelineResult:
    """Do what `call.clean_timeline` promises; the arguments are its own."""
    refuse_shared_names([edit], [target])
    check_target(target, overwrite=batch.overwrite)
    timeline, notes = read_timeline(edit, options.edl_rate)
    base = edit.absolute().parent
    clips, left, problems = find_clips(timeline, base)
    planned, mistakes = plan_jobs(clips, base, defaults, options)
    if problems or mistakes:
        raise JobListError(problems + mistakes)
    if not planned:
        found = f"none that can be cleaned, the first: {left[0]}" if left else "none"
        raise OptionError(
            f"Expected a clip with a marker named lgtsm in {edit.name}, got {found.rstrip('.')}; mark one."
        )
    inputs = [one.clip.film.path for one in planned]
    inputs += [Path(one.job.mask) for one in planned if one.job.mask is not None]
    inputs += [file for one in planned for file in painted_files(one.job.track)]
    refuse_shared_names(set(inputs), [target])
    folder = (
        target.with_name(f"{target.stem}_clips") if options.clips is None else Path(options.clips)
    )
    jobs = list({one.job.output: one.job for one in planned}.values())
    result = run_batch(jobs, folder, options=batch, progress=progress, cancel=cancel)
    failed = {entry.output for entry in result.entries if entry.state == "failed"}
    done = [one for one in planned if one.job.output not in failed]
    if done:
        notes += _lay_above(timeline, done, folder, options)
        if target.absolute().parent != base:
            _make_absolute(timeline, base)
        write_timeline(timeline, target)
    return TimelineResult(
        batch=result,
        num_clean=len(done),
        left=tuple(left),
        notes=tuple(notes),
        is_written=bool(done),
    )


def _lay_above(
    timeline: Timeline, done: list[ClipJob], folder: Path, options: TimelineOptions
) -> Iterator[str]:
    """Insert a track above every one with clean clips; yield what to look at, a sentence each."""
    clean: dict[int, dict[int, Clip]] = {}
    for one in done:
        name = one.job.output
        if options.layer_only and not one.clip.dissolves:
            name = one.job.fill_layer or name
        elif options.layer_only:
            yield (
                f"{one.clip.place} gets the whole clean clip: two layers do not dissolve as one picture does."
            )
        clip = clean_clip(one.clip, folder / name, one.start, one.end)
        clean.setdefault(one.clip.track, {})[one.clip.index] = clip
        if has_effects(one.clip.clip):
            yield (
                f"{one.clip.place} has effects, which its clean clip has too; see that none of them makes it "
                "transparent."
            )
    for number in sorted(clean, reverse=True):  # from above, so that numbers below stay
        track = timeline.tracks[number]
        assert isinstance(track, Track)
        timeline.tracks.insert(number + 1, overlay_of(track, clean[number]))


def _make_absolute(timeline: Timeline, base: Path) -> None:
    """Name media by whole paths, since those relative to the old timeline would not be found."""
    for clip in timeline.find_clips():
        for reference in clip.media_references().values():
            if isinstance(reference, ExternalReference) and "://" not in reference.target_url:
                path = path_of(reference.target_url, base)
                if path is not None:
                    reference.target_url = path.as_uri()
