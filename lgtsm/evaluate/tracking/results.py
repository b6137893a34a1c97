"""`tracking.json`: every figure of a run, and its tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from scipy.stats import spearmanr

from ...errors import OptionError

NAME = "tracking"
Row = dict[str, Any]
"""One clip and number of painted frames; its keys are stated in `measure.score_track`."""
_PUBLISHED = (
    ("STM", "trained", 0.883),
    ("RANet", "trained", 0.850),
    ("OSVOS", "trained", 0.796),
    ("MSK", "trained", 0.793),
    ("SiamMask", "trained", 0.697),
    ("OFL", "no training", 0.642),
    ("FCP", "no training", 0.563),
    ("BVS", "no training", 0.550),
    ("JumpCut", "no training", 0.531),
)
"""J on the eleven clips that are from DAVIS, from the benchmark's own result files."""
_OPENING = """An object is painted (its human mask) in the first frame that shows it, or in three or five frames,
and tracked through the clip at 432x240, on the processor and without weights. J: intersection over union
with the human mask, mean over the frames that are not painted, then over clips; R: share of the true
object inside the tracked mask after growing it by 6 pixels, as before a fill. Rank correlation: of the
predicted with the true J, over all frames of all clips. Seconds: processor time a frame, one thread."""
_ANCHORS = """Published J of other trackers from the first frame's mask, on the eleven clips that are from DAVIS,
at full length and resolution (from the benchmark's result files): other lengths than ours, so near, but
not the same measurement."""


_REMOVALS = """Removal with a tracked mask beside removal with the true one: the vehicle of rendered scenes (320x180, 24
frames; one painted frame is the middle one), filled by copies alone, masks grown as by default. PSNR in dB
against the truth, on the true mask grown by 6 pixels; J is the mean over all frames."""


@dataclass(frozen=True, kw_only=True)
class TrackingResults:
    """One run."""

    protocol: Row
    """name, size, frames."""
    scores: list[Row]
    versions: dict[str, str]
    removals: list[Row] = field(default_factory=list[Row])
    """One rendered scene and number of painted frames; keys are stated in `score_removal`."""

    def to_json(self) -> str:
        """Return JSON text, one line a score."""
        rows = ",\n".join(json.dumps(_rounded(row)) for row in self.scores)
        head = {name: value for name, value in asdict(self).items() if name != "scores"}
        return json.dumps(head, indent=1)[:-2] + f',\n "scores": [\n{rows}\n]\n}}'


def read_tracking(path: Path) -> TrackingResults | None:
    """Read what `to_json` wrote; None where the file holds something else.

    Raises:
        OptionError: the file cannot be read.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OptionError(
            f"Expected results of `lgtsm score` in {path}, got none ({error}); choose that file."
        ) from error
    if not isinstance(values, dict) or values.get("protocol", {}).get("name") != NAME:
        return None
    return TrackingResults(**values)


def tracking_text(results: TrackingResults) -> str:
    """Return the tables as markdown."""
    numbers = sorted({row["painted"] for row in results.scores})
    lines = [_OPENING, "", "| painted frames | J | R | rank correlation | seconds |"]
    lines.append("|---|---|---|---|---|")
    for number in numbers:
        rows = [row for row in results.scores if row["painted"] == number]
        means = [sum(row[key] for row in rows) / len(rows) for key in ("J", "R", "seconds")]
        lines.append(
            f"| {number} | {means[0]:.2f} | {means[1]:.2f} | {rank_correlation(rows):.2f} | "
            f"{means[2]:.2f} |"
        )
    lines += ["", "Every clip, J / R:", "", "| clip | " + " | ".join(map(str, numbers)) + " |"]
    lines.append("|---" * (len(numbers) + 1) + "|")
    for clip in dict.fromkeys(row["clip"] for row in results.scores):
        found = {
            r["painted"]: f"{r['J']:.2f} / {r['R']:.2f}"
            for r in results.scores
            if r["clip"] == clip
        }
        lines.append(f"| {clip} | " + " | ".join(found.get(n, "") for n in numbers) + " |")
    if results.removals:
        lines += ["", _REMOVALS, "", *_removal_table(results.removals)]
    lines += ["", _ANCHORS, "", "| tracker | | J |", "|---|---|---|"]
    lines += [f"| {name} | {kind} | {value:.2f} |" for name, kind, value in _PUBLISHED]
    return "\n".join(lines)


def _removal_table(rows: Sequence[Row]) -> list[str]:
    """Return a markdown table, scenes by painted frames."""
    numbers = sorted({row["painted"] for row in rows})
    names = ["true mask" if n == 0 else f"{n} painted" for n in numbers]
    lines = [f"| scene | {' | '.join(names)} |", "|---" * (len(numbers) + 1) + "|"]
    for scene in dict.fromkeys(row["scene"] for row in rows):
        found = {row["painted"]: row for row in rows if row["scene"] == scene}
        cells = [f"{found[n]['psnr']:.1f} (J {found[n]['J']:.2f})" for n in numbers]
        lines.append(f"| {scene} | {' | '.join(cells)} |")
    return lines


def rank_correlation(rows: Sequence[Row]) -> float:
    """Return Spearman's correlation of predicted and true overlap over all frames of some scores."""
    predicted = [value for row in rows for value in row["confidence"]]
    true = [value for row in rows for value in row["overlap"]]
    found: Any = spearmanr(predicted, true)
    return float(found.statistic)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value
