"""Plots of a run; needs the optional matplotlib, imported on use."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from .results import Results
from .summary import mean_of, own_methods

_SKIPPED = {"truth"}
_GROUPS = 7
"""Points of a curve at most, as many as the published coverage bins."""


def has_matplotlib() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def write_plots(results: Results, folder: Path) -> list[Path]:
    """Write the plots of a run as PNG.

    Args:
        results: the run.
        folder: created if missing.

    Returns:
        The files: hole PSNR by coverage, hole PSNR by frame, and quality against speed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plots: dict[str, Callable[[Results, Any], None]] = {
        "by_ratio": _by_ratio,
        "by_time": _by_time,
        "speed_quality": _speed_quality,
    }
    return [_draw(results, plot, folder / f"{name}.png") for name, plot in plots.items()]


def _draw(results: Results, plot: Callable[[Results, Any], None], path: Path) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # not pyplot, which keeps global state and may open a window
    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    plot(results, axes)
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    return path


def _methods(results: Results) -> list[str]:
    return [name for name in results.methods if name not in _SKIPPED]


def _width(results: Results, method: str) -> float:
    return 2.4 if method in own_methods(results) else 1.0


def _by_ratio(results: Results, axes: Any) -> None:
    """Hole PSNR against coverage: means over groups of equally many cases."""
    coverage = {(c["clip"], c["holes"]): 100 * c["coverage"] for c in results.cases}
    for method in _methods(results):
        points = [
            (coverage[row["clip"], row["holes"]], row["psnr"])
            for row in results.scores
            if row["method"] == method and _finite(row.get("psnr"))
        ]
        if not points:
            continue
        groups = np.array_split(np.array(sorted(points)), min(_GROUPS, len(points)))
        x, y = np.array([group.mean(0) for group in groups]).T
        axes.plot(x, y, marker="o", ms=3, lw=_width(results, method), label=method)
    axes.set(xlabel="hole, % of the picture", ylabel="hole PSNR, dB", title="by coverage")


def _by_time(results: Results, axes: Any) -> None:
    """Hole PSNR by frame number, mean over cases."""
    for method in _methods(results):
        found = (r.get("psnr_by_frame") for r in results.scores if r["method"] == method)
        rows = [row for row in found if row]
        if not rows:
            continue
        table = np.full((len(rows), max(map(len, rows))), np.nan)
        for i, row in enumerate(rows):
            table[i, : len(row)] = [v if _finite(v) else np.nan for v in row]
        seen = ~np.isnan(table).all(0)
        mean = np.nanmean(table[:, seen], 0)
        axes.plot(np.flatnonzero(seen), mean, lw=_width(results, method), label=method)
    axes.set(xlabel="frame", ylabel="hole PSNR, dB", title="by time")


def _speed_quality(results: Results, axes: Any) -> None:
    """Hole PSNR against frames per second, one point per method and table."""
    for table in results.tables():
        for method in _methods(results):
            seconds = mean_of(results, table, method, "seconds_per_frame").mean
            psnr = mean_of(results, table, method, "psnr").mean
            if seconds and _finite(psnr):
                axes.scatter([1 / seconds], [psnr], s=12 * _width(results, method))
                axes.annotate(f"{method} ({table})", (1 / seconds, psnr), fontsize=7)
    axes.set(
        xlabel="frames per second, one thread",
        ylabel="hole PSNR, dB",
        title="quality against speed",
    )
    axes.set_xscale("log")


def _finite(value: object) -> bool:
    return isinstance(value, (int, float)) and bool(np.isfinite(value))
