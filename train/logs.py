"""Logs of a run: CSV files, and TensorBoard where it is installed."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_LOG = logging.getLogger(__name__)


class CsvLog:
    """A CSV file with one row per entry; the first row determines the columns.

    A resumed run appends to it, after dropping rows of later steps than `first_step`.
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
            values = (row.get(name, "") for name in self._names)
            writer.writerow([f"{v:.9g}" if isinstance(v, float) else v for v in values])


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file by column; none without a file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def open_tensorboard(folder: Path) -> SummaryWriter | None:
    """Return TensorBoard's writer, None where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        _LOG.debug("TensorBoard is not installed; scalars are in the CSV files")
        return None
    return SummaryWriter(str(folder))
