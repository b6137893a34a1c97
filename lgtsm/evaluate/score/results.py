"""`results.json`: every number of a run, written so that nothing of the machine's paths is in it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ...errors import OptionError

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Results:
    """One run."""

    protocol: dict[str, object]
    """Name, text, comparable, frames."""
    methods: dict[str, dict[str, object]]
    cases: list[dict[str, object]]
    """What each case was: clip, holes, coverage, SHA-256 of frames and holes."""
    scores: list[dict[str, object]]
    """One entry a case and method: clip, holes, method and every figure of `columns`."""
    video_fid: list[dict[str, object]] = field(default_factory=list)
    """One entry a table, method and form: the Frechet distance of I3D features, over all clips."""
    excluded: list[dict[str, object]] = field(default_factory=list)
    """Cases and methods that were left out, each with its reason."""
    versions: dict[str, str] = field(default_factory=dict)
    machine: dict[str, object] = field(default_factory=dict)
    format: int = FORMAT

    def to_json(self) -> str:
        """Return JSON text, one row of a list a line; infinite figures become the word inf."""
        parts = []
        for name, value in worded(asdict(self)).items():
            if isinstance(value, list) and value:
                rows = ",\n".join(json.dumps(row, allow_nan=False) for row in value)
                text = f"[\n{rows}\n]"
            else:
                text = json.dumps(value, indent=1, allow_nan=False)
            parts.append(f"{json.dumps(name)}: {text}")
        return "{\n" + ",\n".join(parts) + "\n}"

    @staticmethod
    def from_json(text: str) -> Results:
        """Read what `to_json` wrote.

        Raises:
            OptionError: something else.
        """
        try:
            values = _numbered(json.loads(text))
            if values["format"] != FORMAT:
                raise OptionError(
                    f"Expected results of format {FORMAT}, got {values['format']}; run the score "
                    "again."
                )
            return Results(**values)
        except (ValueError, TypeError, KeyError) as error:
            if isinstance(error, OptionError):
                raise
            raise OptionError(
                f"Expected the results.json of a score, got something else ({error}); give that "
                "file."
            ) from error

    def tables(self) -> list[str]:
        """Return the names of the tables, in the order of the cases."""
        return list(dict.fromkeys(str(case["table"]) for case in self.cases))

    def together(self, tables: Sequence[str], name: str) -> Results:
        """Return the cases of some tables as one table: a clip's figures are then means over them.

        Args:
            tables: names of tables.
            name: of the new one.
        """
        cases = [{**case, "table": name} for case in self.cases if case["table"] in tables]
        kept = {(case["clip"], case["holes"]) for case in cases}
        scores = [row for row in self.scores if (row["clip"], row["holes"]) in kept]
        return replace(self, cases=cases, scores=scores, video_fid=[], excluded=[])

    def figures(self, table: str, method: str, column: str) -> dict[str, float]:
        """Return one number a clip: the mean over the table's holes where there are several.

        Args:
            table: group of holes.
            method: its name.
            column: figure; `ratio` of holes and so on are not figures.

        Returns:
            Clip to value; clips without a value are left out.
        """
        holes = {c["holes"] for c in self.cases if c["table"] == table}
        found: dict[str, list[float]] = {}
        for row in self.scores:
            value = row.get(column)
            if (
                row["method"] == method
                and row["holes"] in holes
                and isinstance(value, (int, float))
            ):
                found.setdefault(str(row["clip"]), []).append(float(value))
        return {clip: _mean(values) for clip, values in found.items()}


def _mean(values: list[float]) -> float:
    finite = [v for v in values if math.isfinite(v)]
    return sum(finite) / len(finite) if finite else math.inf


def worded(value: object) -> object:
    """Return plain data as strict JSON has it: infinity as a word, no NaN, seven digits."""
    if isinstance(value, dict):
        return {k: worded(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [worded(v) for v in value]
    if isinstance(value, float):
        if math.isinf(value):
            return str(value)
        # seven digits are more than the arithmetic repeats
        return None if math.isnan(value) else float(f"{value:.7g}")
    return value


def _numbered(value: object) -> object:
    if isinstance(value, dict):
        return {k: _numbered(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_numbered(v) for v in value]
    return float(value) if value in ("inf", "-inf") else value


def read_results(path: Path) -> Results:
    """Read a results.json.

    Raises:
        OptionError: it is not there, or something else.
    """
    try:
        return Results.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(
            f"Expected results in {path}, got none ({error.strerror}); run `lgtsm score` first."
        ) from error
