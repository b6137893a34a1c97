"""Means, the oracle of the simple methods, paired differences and the worst cases."""

from __future__ import annotations

from dataclasses import dataclass

from ...metrics.bootstrap import Estimate, estimate_mean
from .columns import COLUMNS
from .results import Results, Row

ORACLE = "oracle"
DIFFERENCES = ("psnr", "psnr_background", "perceptual", "warping", "flicker")
"""Figures with paired differences."""


def mean_of(results: Results, table: str, method: str, column: str) -> Estimate:
    """Return the mean of a figure over clips, with its 95 % interval."""
    return estimate_mean(list(_values(results, table, method, column).values()))


def simple_methods(results: Results) -> list[str]:
    """Return the methods among which the oracle picks."""
    return [name for name, facts in results.methods.items() if facts["kind"] == "simple"]


def own_methods(results: Results) -> list[str]:
    """Return the variants of this package."""
    return [name for name, facts in results.methods.items() if facts["kind"] == "ours"]


def main_method(results: Results) -> str | None:
    """Return the variant that single-method tables show: `lgtsm`, else the last."""
    own = own_methods(results)
    return "lgtsm" if "lgtsm" in own else own[-1] if own else None


def oracle_values(results: Results, table: str, column: str) -> dict[str, float]:
    """Return the best simple method's figure per clip, chosen with hindsight.

    It picks per clip and figure, so no single method reaches it. Figures without a better direction
    (flicker, seam) have none.
    """
    is_higher_better = COLUMNS[column].is_higher_better
    if is_higher_better is None:
        return {}
    pick = max if is_higher_better else min
    best: dict[str, float] = {}
    for method in simple_methods(results):
        for clip, value in results.figures(table, method, column).items():
            best[clip] = pick(value, best.get(clip, value))
    return best


def _values(results: Results, table: str, method: str, column: str) -> dict[str, float]:
    if method == ORACLE:
        return oracle_values(results, table, column)
    return results.figures(table, method, column)


@dataclass(frozen=True)
class Difference:
    """One method minus another, clip by clip."""

    method: str
    other: str
    by_clip: dict[str, float]
    mean: Estimate


def paired_difference(
    results: Results, table: str, column: str, method: str, other: str
) -> Difference:
    """Return a method's figure minus another's on the same clips.

    Args:
        results: the run.
        table: group of holes.
        column: figure.
        method: a method.
        other: another, or `oracle`.

    Returns:
        The difference for each clip that both have, and the mean with its interval.
    """
    first = _values(results, table, method, column)
    second = _values(results, table, other, column)
    # two infinite values are equal, not undefined
    by_clip = {
        clip: 0.0 if first[clip] == second[clip] else first[clip] - second[clip]
        for clip in first
        if clip in second
    }
    return Difference(method, other, by_clip, estimate_mean(list(by_clip.values())))


def compared_with(results: Results, method: str) -> list[str]:
    """Return what a variant of ours is compared with.

    The oracle, every simple method and, for the main variant, our other variants.
    """
    others = [ORACLE, *simple_methods(results)]
    if method == main_method(results):
        others += [name for name in own_methods(results) if name != method]
    return others


def worst_cases(results: Results, method: str) -> list[Row]:
    """Return the cases of a method, worst first: clip, holes, psnr and gain.

    Ordered by the gain in hole PSNR over the best simple method; where there is no truth, by seam
    contrast.
    """
    simple = set(simple_methods(results))
    best: dict[tuple[str, str], float] = {}
    for row in results.scores:
        key, value = (row["clip"], row["holes"]), row.get("psnr")
        if row["method"] in simple and value is not None:
            best[key] = max(best.get(key, value), value)
    rows = []
    for row in results.scores:
        if row["method"] != method:
            continue
        key = (row["clip"], row["holes"])
        psnr = row.get("psnr")
        gain = None
        if psnr is not None and key in best:
            gain = 0.0 if psnr == best[key] else psnr - best[key]
        rank = gain if gain is not None else psnr if psnr is not None else -(row.get("seam") or 0.0)
        rows.append((rank, {"clip": key[0], "holes": key[1], "psnr": psnr, "gain": gain}))
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


def summarise(results: Results) -> Row:
    """Return means, oracle and differences of all tables as plain data."""
    summary: Row = {}
    for table in results.tables():
        means = {
            method: {
                column: vars(estimate)
                for column in COLUMNS
                if (estimate := mean_of(results, table, method, column)).num
                or estimate.num_infinite
            }
            for method in (*results.methods, ORACLE)
        }
        differences = []
        for method in own_methods(results):
            for other in compared_with(results, method):
                for column in DIFFERENCES:
                    one = paired_difference(results, table, column, method, other)
                    if one.by_clip:
                        differences.append(
                            {"column": column, "method": method, "other": other}
                            | {"mean": vars(one.mean), "by_clip": one.by_clip}
                        )
        summary[table] = {"means": means, "differences": differences}
    return summary
