"""One job of a batch in plain values: it can be sent to another process, and written as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..knobs import Options, knobs
from ..mask_options import MaskOptions
from ..neighbour_options import NeighbourOptions
from ..options import InpaintOptions, RunOptions, VideoOptions
from ..track_options import TrackOptions

OPTION_CLASSES: tuple[type[Options], ...] = (
    InpaintOptions,
    MaskOptions,
    RunOptions,
    VideoOptions,
    NeighbourOptions,
    TrackOptions,
)


@dataclass(frozen=True, kw_only=True)
class BatchJob:
    """One film to repair; see `api.inpaint_video` for what the fields do.

    source: file or folder of images.
    mask: file or folder; None where `boxes` or `track` are given.
    boxes: as `MaskBox.parse` reads them.
    track: prompts as FILE@FRAME (painted), X,Y,W,H@FRAME or X,Y@FRAME, from which the mask is tracked first.
    complete: kinds of `completion.kinds.Addition` that the mask is completed with, before the fill.
    output, fill_layer, mask_used, compare: names within the folder of results, with / between parts.
    model: as in `inpaint`.
    plates: as `plate_names.parse_plates` reads them.
    """

    source: str
    output: str
    mask: str | None = None
    boxes: tuple[str, ...] = ()
    track: tuple[str, ...] = ()
    complete: tuple[str, ...] = ()
    fill_layer: str | None = None
    mask_used: str | None = None
    compare: str | None = None
    model: str | None = None
    plates: tuple[str, ...] = ()
    tracking: TrackOptions = field(default_factory=TrackOptions)
    options: InpaintOptions = field(default_factory=InpaintOptions)
    video: VideoOptions = field(default_factory=VideoOptions)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the names of everything that is written."""
        names = (self.output, self.fill_layer, self.mask_used, self.compare)
        return tuple(name for name in names if name is not None)

    def with_handles(self, handles: int, num_frames: int) -> BatchJob:
        """Return the same job for a longer range, as an edit needs for its transitions.

        Args:
            handles: extra frames before and after.
            num_frames: of the source, beyond which no range goes.
        """
        start, end = self.video.start, self.video.end
        longer = replace(
            self.video,
            start=max(0, start - handles),
            end=None if end is None else min(end + handles, num_frames),
        )
        return replace(self, video=longer)


def plain_values(job: BatchJob) -> dict[str, object]:
    """Return a job as JSON values by column name; `columns.read_job` reads them again."""
    values: dict[str, object] = {"source": job.source, "output": job.output}
    values |= {"mask": job.mask, "box": list(job.boxes), "track": list(job.track)}
    values["complete"] = list(job.complete)
    values |= {"fill_layer": job.fill_layer, "mask_used": job.mask_used, "compare": job.compare}
    values |= {"model": job.model, "plate": list(job.plates)}
    parts = (job.options.mask, job.options.run, job.options.neighbours, job.tracking)
    for options in (job.options, *parts, job.video):
        for name in knobs(type(options)):
            values[name] = _plain(getattr(options, name))
    del values["resume"]  # always
    return {name: value for name, value in values.items() if value not in (None, [])}


def _plain(value: Any) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Fraction | Path):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value) or "none"  # no cuts are something else than cuts that are not named
    return value
