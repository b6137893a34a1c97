"""A project: one job of a batch as a JSON file, which the page fills in and `lgtsm batch` takes."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..batch.columns import FILES, LISTS, OPTIONS, read_job
from ..batch.description import BatchJob
from ..batch.table import read_table
from ..errors import OptionError, shown
from ..film_names import stem_of, written_name
from ..mask_options import GROW_PX, default_grow_percent
from .form import NETWORKS, form
from .painted import write_file

RANGE = ("start", "end")
"""Options that the time line shows."""
_OUTPUTS = {"fill_layer": "_fill.mov", "mask_used": "_mask.mkv", "compare": "_compare.mp4"}
"""Further results, and the ends of their names."""


@dataclass
class Project:
    """What is to be done to one film.

    file: where it is saved; names in it are relative to its folder.
    source: film or folder of images.
    mask: a mask that was loaded or found; None where painted frames are tracked.
    plates: of a key frame that was painted, the folder of those.
    complete: what is added to the mask, such as `shadow,rim`; empty adds nothing.
    options: values of the columns of a job list that are not the default.
    results: which further results are wanted.
    """

    file: Path
    source: Path
    mask: Path | None = None
    plates: Path | None = None
    complete: str = ""
    options: dict[str, object] | None = None
    results: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Begin with the options of the command line."""
        if self.options is None:
            self.options = {"grow": GROW_PX}

    @property
    def folder(self) -> Path:
        """Return the folder of the results."""
        return self.file.parent

    @property
    def default_grow_percent(self) -> float:
        """Return `grow_percent` where the user chose none."""
        return default_grow_percent(is_tracked=self.mask is None)

    @property
    def output(self) -> str:
        """Return the name of the film that is written."""
        assert self.options is not None
        name = Path(written_name(self.source, lossless=bool(self.options.get("lossless"))))
        suffix = "" if self.source.is_dir() and name.suffix != ".mkv" else name.suffix
        return f"{stem_of(self.source)}_clean{suffix}"

    def values(self, painted: list[str]) -> dict[str, object]:
        """Return the job as JSON values by column.

        Args:
            painted: FILE@FRAME of the painted frames.
        """
        assert self.options is not None
        stem = f"{stem_of(self.source)}_clean"
        found: dict[str, object] = {"source": str(self.source)}
        if self.mask is not None:
            found["mask"] = str(self.mask)
        elif painted:
            found["track"] = painted
        found["output"] = self.output
        found |= {name: stem + end for name, end in _OUTPUTS.items() if name in self.results}
        if self.plates is not None:
            found["plate"] = [str(self.plates)]
        if self.complete:
            found["complete"] = self.complete
        return found | self.options

    def job(self, painted: list[str]) -> BatchJob:
        """Return the job.

        Raises:
            OptionError: nothing is painted and there is no mask, or an option cannot be used.
        """
        if self.mask is None and not painted:
            raise OptionError(
                "Expected the object painted in one frame at least, got none; paint over it."
            )
        values = self.values(painted)
        job, problems = read_job(values, self.folder, {})
        if job is None:
            raise OptionError(problems[0])
        return job

    def choose(self, given: Mapping[str, object]) -> None:
        """Take other options, and keep those of before where they cannot be used.

        Args:
            given: values by column; one that is None or the default is left out.

        Raises:
            OptionError: an unknown option, or a value that it does not take.
        """
        assert self.options is not None
        known = {*RANGE, *(one["name"] for one in form())}
        unknown = [name for name in given if name not in known]
        if unknown:
            raise OptionError(f"Expected a known option, got {shown(unknown[0])}; reload the page.")
        before, chosen = self.options, {**self.options, **given}
        self.options = {
            n: v for n, v in chosen.items() if v is not None and not self._is_default(n, v)
        }
        try:
            self.job([f"{self.source}@0"])  # only the options are of interest
        except OptionError:
            self.options = before
            raise

    def _is_default(self, name: str, value: object) -> bool:
        if name == "grow":  # commands and library differ in it, so it is always said
            return False
        if name == "grow_percent":
            return value == self.default_grow_percent
        default = OPTIONS[name].default
        return value == (default.value if isinstance(default, Enum) else default)

    def save(self, painted: list[str]) -> None:
        """Write the file; raises VideoError where it cannot be written."""
        values = self.values(painted)
        for name in FILES:
            if name in LISTS and name in values:
                names = values[name]
                assert isinstance(names, list)
                values[name] = [self._relative(one) for one in names]
            elif name in values:
                values[name] = self._relative(str(values[name]))
        write_file(self.file, (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode())

    def _relative(self, name: str) -> str:
        if not Path(name).is_relative_to(self.folder):
            return name
        return Path(os.path.relpath(name, self.folder)).as_posix()

    def command(self, painted: list[str]) -> str:
        """Return the command line that does the same."""
        values = self.values(painted)
        assert self.options is not None
        words = ["lgtsm", "inpaint", str(self.source)]
        words += ["--mask", str(self.mask)] if self.mask else []
        for one in painted if self.mask is None else ():
            words += ["--track", one]
        words += ["--plate", str(self.plates)] if self.plates else []
        words += ["--complete", self.complete] if self.complete else []
        for name, value in self.options.items():
            if (name, value) != ("grow", GROW_PX):  # what the command does by itself
                words += _flag(name, value)
        for name in _OUTPUTS:
            if name in values:
                words += ["--" + name.replace("_", "-"), str(self.folder / str(values[name]))]
        return shlex.join([*words, "-o", str(self.folder / self.output)])


def load_project(file: Path) -> tuple[Project, list[str]]:
    """Read a project.

    Returns:
        The project, and FILE@FRAME of its painted frames.

    Raises:
        OptionError: a file with mistakes; VideoError: it cannot be read.
    """
    (row,) = read_table(file)
    given = row.values
    hole = {name: given[name] for name in ("mask", "box", "track") if given.get(name)}
    spare = {} if hole else {"mask": given.get("source")}  # saved before anything was painted
    job, problems = read_job({**given, **spare}, file.parent.absolute(), {})
    problems = row.problems + problems
    if "box" in hole:
        problems.append(
            f"Expected a project with painted frames or a mask, got boxes in {file.name}; use lgtsm batch."
        )
    if networks := [name for name in ("model", *NETWORKS) if name in given]:
        problems.append(
            f"Expected a project without networks of its own, got {networks[0]} in {file.name}; use lgtsm "
            "batch."
        )
    if job is None or problems:
        raise OptionError(problems[0])
    options = {name: value for name, value in given.items() if name in OPTIONS}
    project = Project(
        file=file,
        source=Path(job.source),
        mask=Path(job.mask) if job.mask and hole else None,
        plates=Path(job.plates[0]) if job.plates else None,
        complete=",".join(job.complete),
        options={"grow": GROW_PX, **options, **_range(job)},
        results=tuple(name for name in _OUTPUTS if name in given),
    )
    return project, list(job.track)


def _range(job: BatchJob) -> dict[str, object]:
    """Return the range of a job, however its project says it."""
    given = {"start": job.video.start or None, "end": job.video.end}
    return {name: value for name, value in given.items() if value is not None}


def _flag(name: str, value: object) -> list[str]:
    flag = "--" + name.replace("_", "-")
    if name == "cuts":
        if value in ("none", [], ""):
            return ["--no-cuts"]
        listed = value if isinstance(value, str) else ",".join(map(str, _list(value)))
        return [flag, listed]
    if isinstance(value, bool):
        return [flag] if value else []
    return [flag, str(value)]


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]
