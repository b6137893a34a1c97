"""`results.json`: every figure of a run, without any path of the machine."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ...errors import OptionError

FORMAT = 1
Row = dict[str, Any]
"""One JSON object; its keys are stated where it is made."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """One run."""

    protocol: Row
    """name, text, comparable, frames, size."""
    methods: dict[str, Row]
    """Name to `Method.facts`."""
    cases: list[Row]
    """`Material.facts` of every case: clip, holes, table, coverage, SHA-256 of frames and holes ..."""
    scores: list[Row]
    """One entry per case and method: clip, holes, method and the figures of `columns`."""
    video_fid: list[Row] = field(default_factory=list)
    """One entry per table, method and I3D form: the Frechet distance over all clips."""
    excluded: list[Row] = field(default_factory=list)
    """Excluded cases and methods: clip, holes, method, reason."""
    versions: dict[str, str] = field(default_factory=dict)
    machine: Row = field(default_factory=dict)
    format: int = FORMAT

    def to_json(self) -> str:
        """Return JSON text, one line per row; infinite figures become the string inf."""
        parts = []
        for name, value in strict_json(asdict(self)).items():
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
            OptionError: it is something else, or of another format.
        """
        try:
            values = _with_infinities(json.loads(text))
            results = Results(**values)
        except (ValueError, TypeError) as error:
            raise OptionError(
                f"Expected the results.json of a score, got something else ({error}); choose that "
                "file."
            ) from error
        if results.format != FORMAT:
            raise OptionError(
                f"Expected results of format {FORMAT}, got {results.format}; run the score again."
            )
        return results

    def tables(self) -> list[str]:
        """Return the names of the tables, in the order of the cases."""
        return list(dict.fromkeys(str(case["table"]) for case in self.cases))

    def together(self, tables: Sequence[str], name: str) -> Results:
        """Merge some tables into one: a clip's figures are then means over all its holes in them.

        Args:
            tables: names of tables.
            name: of the merged table.
        """
        cases = [{**case, "table": name} for case in self.cases if case["table"] in tables]
        kept = {(case["clip"], case["holes"]) for case in cases}
        scores = [row for row in self.scores if (row["clip"], row["holes"]) in kept]
        return replace(self, cases=cases, scores=scores, video_fid=[], excluded=[])

    def figures(self, table: str, method: str, column: str) -> dict[str, float]:
        """Return one number per clip, the mean over the table's holes.

        Args:
            table: group of holes.
            method: its name.
            column: a key of `COLUMNS`.

        Returns:
            Clip to value, without the clips that have none.
        """
        holes = {c["holes"] for c in self.cases if c["table"] == table}
        found: dict[str, list[float]] = {}
        for row in self.scores:
            value = row.get(column)
            mine = row["method"] == method and row["holes"] in holes
            if mine and isinstance(value, (int, float)):
                found.setdefault(str(row["clip"]), []).append(float(value))
        return {clip: _mean(values) for clip, values in found.items()}


def _mean(values: list[float]) -> float:
    finite = [v for v in values if math.isfinite(v)]
    return sum(finite) / len(finite) if finite else math.inf


def strict_json(value: Any) -> Any:
    """Return plain data for strict JSON: infinity as a string, NaN as null, seven digits."""
    if isinstance(value, dict):
        return {k: strict_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict_json(v) for v in value]
    if isinstance(value, float):
        if math.isinf(value):
            return str(value)
        # more digits are not reproducible across machines
        return None if math.isnan(value) else float(f"{value:.7g}")
    return value


def _with_infinities(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _with_infinities(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_infinities(v) for v in value]
    return float(value) if value in ("inf", "-inf") else value


def read_results(path: Path) -> Results:
    """Read a results.json.

    Raises:
        OptionError: it is missing, or something else.
    """
    try:
        return Results.from_json(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise OptionError(
            f"Expected results of `lgtsm score` in {path}, got no text; choose that file."
        ) from error
    except OSError as error:
        raise OptionError(
            f"Expected results in {path}, got none ({error.strerror}); run `lgtsm score` first."
        ) from error
