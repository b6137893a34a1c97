"""Logs of a run: CSV files, and TensorBoard where it is installed."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

_LOG = logging.getLogger(__name__)


class CsvLog:
    """A CSV file with one row per entry; the first row determines the columns.

    Args:
        path: of the file; a resumed run appends to it, after dropping rows of later steps.
        first_step: of this run.
    """

    def __init__(self, path: Path, first_step: int) -> None:
        self.path = path
        rows = [row for row in read_csv(path) if float(row.get("step", "inf")) <= first_step]
        path.unlink(missing_ok=True)
        self._names: list[str] = []
        for row in rows:
            self.add(row)

    def add(self, row: Mapping[str, object]) -> None:
        """Append one row; columns that the first row lacked are left out."""
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if not self._names:
                self._names = list(row)
                writer.writerow(self._names)
            writer.writerow([_format(row.get(name, "")) for name in self._names])


def _format(value: object) -> object:
    return f"{value:.9g}" if isinstance(value, float) else value


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file by column; none without a file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class RunningMeans:
    """Means of the values since the last row."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._count = 0

    def add(self, values: dict[str, float]) -> None:
        """Add one step."""
        self._count += 1
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value

    def take(self) -> dict[str, float]:
        """Return the means and reset."""
        means = {name: value / max(1, self._count) for name, value in self._sums.items()}
        self._sums, self._count = {}, 0
        return means


class TensorBoard:
    """TensorBoard's writer; does nothing where it is not installed."""

    def __init__(self, folder: Path) -> None:
        self._writer = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            _LOG.debug("TensorBoard is not installed; scalars are in the CSV files")
            return
        self._writer = SummaryWriter(str(folder))

    def scalars(self, group: str, values: dict[str, float], step: int) -> None:
        """Write numbers."""
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(f"{group}/{name}", value, step)

    def image(self, name: str, image: Tensor, step: int) -> None:
        """Write one image (3,H,W) in [0,1]."""
        if self._writer is not None:
            self._writer.add_image(name, image, step)

    def close(self) -> None:
        """Flush and close."""
        if self._writer is not None:
            self._writer.close()
