"""What a run writes about itself: CSV rows, TensorBoard scalars where it is installed."""

from __future__ import annotations

import csv
import logging
from pathlib import Path

from torch import Tensor

_LOG = logging.getLogger(__name__)


class Table:
    """A CSV file that grows; its header is the first row's names.

    Args:
        path: of the file; rows of a resumed run are added, those from its step on dropped first.
        first_step: of the run that begins now.
    """

    def __init__(self, path: Path, first_step: int) -> None:
        self.path = path
        rows = read_table(path)
        kept = [row for row in rows if float(row.get("step", "inf")) <= first_step]
        path.unlink(missing_ok=True)
        self._names: list[str] = []
        for row in kept:
            self.add(row)

    def add(self, row: dict[str, object]) -> None:
        """Write one row; every row has the names of the first."""
        if not self._names:
            self._names = list(row)
            with self.path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow(self._names)
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow([_text(row.get(name, "")) for name in self._names])


def _text(value: object) -> object:
    return f"{value:.9g}" if isinstance(value, float) else value


def read_table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file by name; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Means:
    """Means of what is added between two rows."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._count = 0

    def add(self, values: dict[str, float]) -> None:
        """Take in one step."""
        self._count += 1
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value

    def take(self) -> dict[str, float]:
        """Return the means and begin anew."""
        means = {name: value / max(1, self._count) for name, value in self._sums.items()}
        self._sums, self._count = {}, 0
        return means


class Board:
    """TensorBoard's writer, or nothing where it is not installed."""

    def __init__(self, folder: Path) -> None:
        self._writer = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            _LOG.debug("no TensorBoard here; scalars are in the CSV files")
            return
        self._writer = SummaryWriter(str(folder))

    def scalars(self, group: str, values: dict[str, float], step: int) -> None:
        """Write numbers."""
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(f"{group}/{name}", value, step)

    def picture(self, name: str, picture: Tensor, step: int) -> None:
        """Write one picture (3,H,W) in [0,1]."""
        if self._writer is not None:
            self._writer.add_image(name, picture, step)

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()
