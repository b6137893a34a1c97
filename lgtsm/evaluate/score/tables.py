"""Results as markdown tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...metrics.bootstrap import Estimate
from ...metrics.fidelity import psnr
from .columns import COLUMNS
from .motion import MOTIONS
from .protocols import PROTOCOLS
from .results import Results, Row
from .summary import (
    DIFFERENCES,
    ORACLE,
    compared_with,
    main_method,
    mean_of,
    oracle_values,
    own_methods,
    paired_difference,
    simple_methods,
    worst_cases,
)

_INTERVALS = ("psnr", "psnr_background", "perceptual")
"""Figures shown with their interval; more would make the table too wide."""
_SHOWN_WORST = 5


def _format_estimate(estimate: Estimate, column: str, *, interval: bool) -> str:
    """Return a mean as text, on request with its 95 % interval; a dash where there is none."""
    spec = COLUMNS[column]
    if estimate.mean is None:
        return "-"
    if math.isinf(estimate.mean):
        return str(estimate.mean)
    text = f"{spec.scale * estimate.mean:.{spec.digits}f}"
    if interval and estimate.low is not None and estimate.high is not None:
        low, high = (f"{spec.scale * x:.{spec.digits}f}" for x in (estimate.low, estimate.high))
        text += f" [{low}, {high}]"
    for number, name in ((estimate.num_infinite, "inf"), (estimate.num_minus_infinite, "-inf")):
        text += f" (+{number} {name})" if number else ""
    return text


def quality_table(results: Results, table: str) -> str:
    """Return methods by figures, means over clips, without empty columns."""
    methods = [*simple_methods(results), ORACLE]
    methods += [name for name in results.methods if name not in methods]
    cells = {
        (m, c): _format_estimate(mean_of(results, table, m, c), c, interval=c in _INTERVALS)
        for m in methods
        for c in COLUMNS
    }
    columns = [c for c in COLUMNS if any(cells[m, c] != "-" for m in methods)]
    lines = table_head("method", *(COLUMNS[c].label for c in columns))
    for method in methods:
        if any(cells[method, c] != "-" for c in columns):
            name = f"**{method}**" if method in own_methods(results) else method
            lines.append(table_row([name, *(cells[method, c] for c in columns)]))
    return "\n".join(lines)


def difference_table(results: Results, table: str) -> str:
    """Return each variant of ours minus the methods of `compared_with`."""
    rows: dict[str, dict[str, str]] = {}
    for method in own_methods(results):
        for other in compared_with(results, method):
            cells = {}
            for column in DIFFERENCES:
                mean = paired_difference(results, table, column, method, other).mean
                text = _format_estimate(mean, column, interval=True)
                cells[column] = f"**{text}**" if mean.excludes_zero else text
            if set(cells.values()) != {"-"}:
                rows[f"{method} - {other}"] = cells
    columns = [c for c in DIFFERENCES if any(cells[c] != "-" for cells in rows.values())]
    lines = table_head("difference", *(COLUMNS[c].label for c in columns))
    lines += [table_row([name, *(cells[c] for c in columns)]) for name, cells in rows.items()]
    return "\n".join(lines)


def oracle_table(results: Results, table: str, method: str) -> str:
    """Return one method beside the oracle, clip by clip, in hole PSNR."""
    ours = results.figures(table, method, "psnr")
    best = oracle_values(results, table, "psnr")
    lines = table_head("clip", method, ORACLE, "difference", "best simple")
    for clip in sorted(ours, key=lambda c: ours[c] - best.get(c, math.nan)):
        if clip not in best:
            continue
        names = [
            name
            for name in simple_methods(results)
            if results.figures(table, name, "psnr").get(clip) == best[clip]
        ]
        gain = 0.0 if ours[clip] == best[clip] else ours[clip] - best[clip]
        row = [clip, f"{ours[clip]:.2f}", f"{best[clip]:.2f}", f"{gain:+.2f}", ", ".join(names)]
        lines.append(table_row(row))
    return "\n".join(lines)


def video_fid_table(results: Results, table: str) -> str:
    """Return the video FID of every method, one column per form; empty if not measured."""
    rows = [row for row in results.video_fid if row["table"] == table]
    forms = list(dict.fromkeys(str(row["form"]) for row in rows))
    if not rows:
        return ""
    lines = table_head("method", *(f"video FID, {form} form" for form in forms), "clips")
    for method in dict.fromkeys(row["method"] for row in rows):
        own = {row["form"]: row for row in rows if row["method"] == method}
        cells = [f"{own[form]['value']:.4f}" if form in own else "-" for form in forms]
        lines.append(table_row([str(method), *cells, str(next(iter(own.values()))["num"])]))
    return "\n".join(lines)


def _worst_list(results: Results, method: str) -> str:
    """Return the worst cases of a method as a list."""
    lines = []
    for row in worst_cases(results, method)[:_SHOWN_WORST]:
        figures = "" if row["psnr"] is None else f", {row['psnr']:.2f} dB"
        figures += (
            "" if row["gain"] is None else f" ({row['gain']:+.2f} over the best simple method)"
        )
        lines.append(f"- {row['clip']}, {row['holes']}{figures}")
    return "\n".join(lines)


def _floor_list(cases: list[Row]) -> str:
    """Return the error floors of clips that are compared with a relit plate; empty without any."""
    floors = [c for c in cases if c.get("floor_mse") is not None]
    if not floors:
        return ""
    texts = []
    for case in floors:
        text = f"{case['clip']} {psnr(case['floor_mse']):.2f} dB"
        if case.get("floor_here_mse") is not None:
            text += f" ({psnr(case['floor_here_mse']):.2f} dB where the hole is at other times)"
        texts.append(text)
    return f"PSNR of known pixels against the relit plate, the best a fill can reach: {', '.join(texts)}."


def _motion_table(cases: list[Row]) -> str:
    """Return the end-point errors of clips whose optical flow is known; empty without any."""
    rows = [(c["clip"], c["motion_errors"]) for c in cases if c.get("motion_errors")]
    if not rows:
        return ""
    lines = table_head("end-point error, px (in the hole)", *(str(clip) for clip, _ in rows))
    for name, text in MOTIONS.items():
        cells = [f"{e[name][0]:.3f} ({e[name][1]:.3f})" if name in e else "-" for _, e in rows]
        lines.append(table_row([text, *cells]))
    return "\n".join(lines)


def _source_table(results: Results, table: str, method: str) -> str:
    """Return the origin of a method's hole pixels per clip, for clips of known optical flow."""
    known = {c["clip"] for c in results.cases if c["table"] == table and c.get("motion_errors")}
    rows = [
        r for r in results.scores if r["method"] == method and r["clip"] in known and "sources" in r
    ]
    if not rows:
        return ""
    names = list(rows[0]["sources"])
    lines = table_head(f"sources of {method}", *names)
    lines += [
        table_row([str(row["clip"]), *(f"{row['sources'][n]:.0%}" for n in names)]) for row in rows
    ]
    return "\n".join(lines)


def _exclusion_list(results: Results) -> str:
    """Return what was excluded and why, one line per reason."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in results.excluded:
        who = row["method"] or "all methods"
        case = f"{row['clip']} ({row['holes']})" if row["clip"] else "all clips"
        reasons.setdefault((str(who), str(row["reason"])), []).append(case)
    return "\n".join(
        f"- {who}: {reason}: {', '.join(cases)}" for (who, reason), cases in reasons.items()
    )


def full_text(results: Results) -> str:
    """Return all tables of a run as markdown, without a title."""
    protocol = results.protocol
    text = str(protocol["text"])
    parts = [f"{text[0].upper()}{text[1:]}. {protocol['comparable']}"]
    main = main_method(results)
    for table in results.tables():
        cases = [c for c in results.cases if c["table"] == table]
        clips = len({c["clip"] for c in cases})
        coverage = sum(c["coverage"] for c in cases) / len(cases)
        lengths = sorted({c["frames"] for c in cases})
        frames = str(lengths[0]) if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
        parts.append(f"### {table}\n\n{clips} clips, {frames} frames each, {coverage:.1%} hole.")
        parts.append(quality_table(results, table))
        if fid := video_fid_table(results, table):
            parts.append(fid)
        if floor := _floor_list(cases):
            parts.append(floor)
        if motion := _motion_table(cases):
            parts.append(motion)
        if main and (sources := _source_table(results, table, main)):
            parts.append(sources)
        if main and oracle_values(results, table, "psnr"):
            parts.append(difference_table(results, table))
            parts.append(oracle_table(results, table, main))
    if both := _together(results, main):
        parts.append(both)
    if main:
        parts.append(f"### Worst cases of {main}\n\n{_worst_list(results, main)}")
    if results.excluded:
        parts.append(f"### Excluded\n\n{_exclusion_list(results)}")
    return "\n\n".join(parts) + "\n"


def _together(results: Results, main: str | None) -> str:
    """Return the protocol's moving holes as one table, if it has several kinds of them."""
    spec = PROTOCOLS.get(str(results.protocol["name"]))
    tables = [t for t in (spec.together if spec else ()) if t in results.tables()]
    if main is None or len(tables) < 2:
        return ""
    name = " and ".join(tables)
    both = results.together(tables, name)
    head = f"### {name} together\n\nThe figures of a clip are means over its moving holes."
    parts = [head, quality_table(both, name), difference_table(both, name)]
    return "\n\n".join([*parts, oracle_table(both, name, main)])


def table_head(*cells: str) -> list[str]:
    """Return the two lines that open a markdown table."""
    return [table_row(cells), "|" + "---|" * len(cells)]


def table_row(cells: Sequence[str]) -> str:
    """Return one line of a markdown table."""
    return "| " + " | ".join(cells) + " |"
