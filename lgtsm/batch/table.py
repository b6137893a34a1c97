"""Text of a job list: a table with a header line (CSV), one JSON object a line, or one job in a file."""

from __future__ import annotations

import codecs
import csv
import io
import json
from pathlib import Path
from typing import NamedTuple

from ..errors import OptionError, VideoError
from .columns import column_name

_SEPARATORS = ",;\t"
_TABLES, _LINES, _JOB = (".csv", ".tsv", ".txt"), (".jsonl", ".ndjson"), ".json"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Row(NamedTuple):
    """One job as it was written.

    place: such as "line 7".
    values: by column.
    problems: mistakes in its form.
    """

    place: str
    values: dict[str, object]
    problems: list[str]


def read_table(path: Path) -> list[Row]:
    """Read the rows of a list.

    UTF-8 with or without a byte order mark, UTF-16 with one, any line ends; a table may be separated by
    commas, semicolons or tabs. Empty lines are left out.

    Raises:
        OptionError: a file of another kind or encoding, or without a job; VideoError: it cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix not in (*_TABLES, *_LINES, _JOB):
        raise OptionError(
            f"Expected a folder, a .csv table, a .jsonl list of jobs or the .json file of one, got "
            f"{path.name}; rename it."
        )
    text = _decoded(path)
    if suffix == _JOB:
        rows = [_object(text, path.name)] if text.strip() else []
    else:
        rows = _objects(text) if suffix in _LINES else _records(text)
    if not rows:
        raise OptionError(f"Expected at least one job in {path.name}, got none; add a line.")
    return rows


def _decoded(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise VideoError(
            f"Expected a list of jobs, got {path} ({error.strerror}); check the path."
        ) from error
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise OptionError(
            f"Expected {path.name} in UTF-8, got the byte 0x{data[error.start]:02X} in line {line}; "
            "save it as UTF-8."
        ) from error


def _records(text: str) -> list[Row]:
    """Read a table: the first line names the columns."""
    lines = io.StringIO(text, newline="")
    header = next((line for line in io.StringIO(text) if line.strip()), "")
    separator = max(_SEPARATORS, key=header.count)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    rows: list[Row] = []
    columns: list[str] = []
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            rows.append(
                Row(f"line {line}", {}, [f"Expected a line of a table, got {error}; quote it."])
            )
            return rows
        if cells is None:
            return rows
        if not any(cell.strip() for cell in cells):
            continue
        if not columns:
            columns = _header(cells, line)
        elif len(cells) > len(columns):
            problem = (
                f"Expected {len(columns)} cells like the header, got {len(cells)}; put cells that hold "
                f"{separator!r} in quotes."
            )
            rows.append(Row(f"line {line}", {}, [problem]))
        else:
            rows.append(Row(f"line {line}", dict(zip(columns, cells, strict=False)), []))


def _header(cells: list[str], line: int) -> list[str]:
    """Return the columns; all unknown ones are named at once."""
    columns: list[str] = []
    problems: list[str] = []
    for cell in cells:
        try:
            columns.append(column_name(cell))
        except OptionError as error:
            problems.append(str(error))
    twice = sorted({name for name in columns if columns.count(name) > 1})
    problems += [f"Expected every column once, got {name} twice; remove one." for name in twice]
    if problems:
        raise JobListError([f"line {line}: {problem}" for problem in problems])
    return columns


def _objects(text: str) -> list[Row]:
    """Read one JSON object a line."""
    return [
        _object(line, f"line {number}")
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip()
    ]


def _object(text: str, place: str) -> Row:
    """Read a job that is one JSON object."""
    values: dict[str, object] = {}
    problems: list[str] = []
    try:
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError("no object")
    except ValueError as error:
        advice = "write one object a line" if place.startswith("line ") else "correct the file"
        return Row(place, {}, [f"Expected a JSON object, got {error}; {advice}."])
    for name, value in found.items():
        try:
            values[column_name(name)] = value
        except OptionError as error:
            problems.append(str(error))
    return Row(place, values, problems)


class JobListError(OptionError):
    """A list of jobs with mistakes; `problems` has one sentence for each, with its line."""

    def __init__(self, problems: list[str]) -> None:
        """Take all mistakes; the message names the first."""
        self.problems = problems
        super().__init__(
            f"Expected a list of jobs without mistakes, got {len(problems)}, the first in "
            f"{problems[0].rstrip('.')}; correct them."
        )

    def __reduce__(self) -> tuple[type[JobListError], tuple[list[str]]]:
        """Rebuild it from its mistakes in another process."""
        return JobListError, (self.problems,)
