"""A list of jobs, or a folder of films with their masks, as jobs; all mistakes are told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import OptionError, VideoError
from ..film_names import MASK_ENDING, is_film, stem_of
from ..plate_names import plate_file
from ..prompt_names import painted_file, painted_files
from ..video.encode import container_preset
from .columns import is_url, read_job
from .description import BatchJob
from .table import JobListError, Row, read_table


def read_jobs(
    jobs: Path | Sequence[BatchJob], folder: str, defaults: Mapping[str, object] | None = None
) -> list[BatchJob]:
    """Read and check all jobs of a batch.

    Args:
        jobs: a table (.csv), a list (.jsonl), one job (.json), a folder of pairs `film.mp4` and `film_mask.*`,
            or jobs.
        folder: path or URL of the results.
        defaults: values of the columns that a row leaves out.

    Raises:
        JobListError: every mistake, with its line; OptionError: a list that cannot be read.
    """
    if isinstance(jobs, Path):
        rows = _pairs(jobs) if jobs.is_dir() else read_table(jobs)
        base = jobs if jobs.is_dir() else jobs.absolute().parent
        if jobs.is_dir():
            _check_apart(folder, jobs)
        found = [(row.place, *_read(row, base, defaults or {})) for row in rows]
    else:
        found = [(f"job {number}", job, list[str]()) for number, job in enumerate(jobs, 1)]
    problems = [f"{place}: {problem}" for place, _, row in found for problem in row]
    read = [(place, job) for place, job, _ in found if job is not None]
    for place, job in read:
        problems += [f"{place}: {problem}" for problem in _file_problems(job, folder)]
    problems += _shared_names(read, folder)
    if problems:
        raise JobListError(problems)
    return [job for _, job in read]


def _read(
    row: Row, base: Path, defaults: Mapping[str, object]
) -> tuple[BatchJob | None, list[str]]:
    if row.problems:
        return None, row.problems
    return read_job(row.values, base.absolute(), defaults)


def _pairs(folder: Path) -> list[Row]:
    """Pair the films and folders of images in a folder with their masks, by name."""
    from ..video.folder import natural_key

    entries = [p for p in folder.iterdir() if not p.name.startswith(".")]
    masks: dict[str, list[Path]] = {}
    for path in sorted(entries):
        if stem_of(path).endswith(MASK_ENDING):
            masks.setdefault(stem_of(path).removesuffix(MASK_ENDING), []).append(path)
    sources = [
        path
        for path in sorted(entries, key=natural_key)
        if not stem_of(path).endswith(MASK_ENDING) and (path.is_dir() or is_film(path))
    ]
    if not sources:
        raise OptionError(
            f"Expected films in {folder}, got none; name a folder with films and their masks."
        )
    rows: list[Row] = []
    for source in sources:
        found = masks.get(stem_of(source), [])
        if len(found) == 1:
            rows.append(Row(source.name, {"source": source.name, "mask": found[0].name}, []))
            continue
        got = " and ".join(path.name for path in found) or "none"
        problem = (
            f"Expected one mask named {stem_of(source)}{MASK_ENDING}.* beside the film, got {got}; add or "
            "remove one."
        )
        rows.append(Row(source.name, {}, [problem]))
    return rows


def _file_problems(job: BatchJob, folder: str) -> Iterator[str]:
    """Yield what is wrong with the files of one job, as far as names tell."""
    for what, name in (("a source", job.source), ("a mask", job.mask)):
        if name is not None and not is_url(name) and not Path(name).exists():
            yield f"Expected {what}, found no {name}; correct the name."
    yield from _picture_problems(job)
    output = Path(job.output)
    try:
        if output.suffix.lower() not in ("", ".gif"):
            container_preset(output)
    except VideoError as error:
        yield str(error)
    if job.video.lossless and output.suffix.lower() not in ("", ".mkv", ".gif"):
        yield f"Expected a name ending in .mkv for lossless video, got {job.output}; rename it."
    if not is_url(job.source) and Path(job.source).is_dir():
        try:
            _check_apart(folder, Path(job.source))
        except OptionError as error:
            yield str(error)


def _picture_problems(job: BatchJob) -> Iterator[str]:
    """Yield what is wrong with the names of plates and painted frames."""
    for text in job.plates:
        try:
            plate_file(text)
        except OptionError as error:
            yield str(error)
    for text in job.track:
        try:
            picture = painted_file(text)
        except OptionError as error:
            yield str(error)
        else:
            if picture is not None and not picture.is_file():
                yield (
                    f"Expected a painted frame, a box or a point, found no file {picture}; correct it."
                )


def _check_apart(folder: str, source: Path) -> None:
    """Raise OptionError where results would lie among the sources, and be sources of the next run."""
    if not is_url(folder) and Path(folder).resolve().is_relative_to(source.resolve()):
        raise OptionError(
            f"Expected a folder of results outside the source folder {source}, got {folder}; choose "
            "another."
        )


def _shared_names(jobs: list[tuple[str, BatchJob]], folder: str) -> Iterator[str]:
    """Yield a sentence for every result that another job writes too, or that replaces an input."""
    taken: dict[str, str] = {}
    for place, job in jobs:
        for name in job.outputs:
            other = taken.setdefault(name.casefold(), place)
            if other != place or job.outputs.count(name) > 1:
                yield (
                    f"{place}: Expected a name of its own for every result, got {name} as in {other}; "
                    "name its output."
                )
    if is_url(folder):
        return
    named = {name for _, job in jobs for name in (job.source, job.mask) if name is not None}
    inputs = {Path(name).resolve() for name in named if not is_url(name)}
    for text in (text for _, job in jobs for text in job.track):
        with suppress(OptionError):  # told before
            inputs.update(file.resolve() for file in painted_files([text]))
    for place, job in jobs:
        for name in job.outputs:
            if (Path(folder) / name).resolve() in inputs:
                yield (
                    f"{place}: Expected results that replace no source, mask or painted frame, got {name} in {folder}; "
                    "choose another folder or name."
                )
