"""One job of a batch as the file job that does it."""

from __future__ import annotations

from pathlib import Path

from ..job import FileJob
from ..masks.boxes import MaskBox
from ..plate_names import parse_plates
from .description import BatchJob


def file_job_of(job: BatchJob, folder: Path) -> FileJob:
    """Return the file job of a batch's film, with its plates read.

    Raises:
        OptionError: boxes or plates that cannot be read.
    """

    def placed(name: str | None) -> Path | None:
        return None if name is None else folder / name

    return FileJob(
        source=Path(job.source),
        mask=[MaskBox.parse(text) for text in job.boxes] if job.mask is None else Path(job.mask),
        target=folder / job.output,
        options=job.options,
        video=job.video,
        fill_layer=placed(job.fill_layer),
        mask_used=placed(job.mask_used),
        compare=placed(job.compare),
        plates=parse_plates(job.plates),
    )
