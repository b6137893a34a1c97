"""A long film in parts, split at cuts: each is computed by itself, and one pass writes the film.

A part keeps the hole pixels of its frames as the engine made them, in float32 (see `journal`). Nothing is
carried from one shot to the next, so the film is, bit for bit, the one of a job that was never split.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from ..engine.composing import Patch
from ..engine.cuts import CutDetector
from ..engine.hooks import Hooks
from ..errors import VideoError
from ..job import FileJob
from ..journal import Journal
from ..report import Report
from ..video.probe import probe
from ..whole_file import WholeFile

Span = tuple[int, int | None]
"""First frame and the frame after the last one, numbered as in the file; None is its end."""

_DONE = "done.json"


def find_shots(job: FileJob, hooks: Hooks) -> list[int]:
    """Return the first frames of the shots within a job's range, numbered as in the file.

    They are those at which the engine will begin a new shot: named by the options, or detected.
    """
    start, end = job.video.start, job.video.end
    if job.options.cuts is not None:
        inside = sorted(c for c in job.options.cuts if c > start and (end is None or c < end))
        return [start, *inside]
    info = probe(job.source, rate=job.video.rate)
    detector, shots, total = CutDetector(), [start], job.num_frames(info)
    for index, (frame, hole) in enumerate(hooks.checked(job.pairs(info))):
        if detector.is_cut(frame, hole):
            shots.append(start + index)
        hooks.report(index + 1, total, "looking for cuts")
    return shots


def group_shots(shots: Sequence[int], end: int | None, length: int) -> list[Span]:
    """Join neighbouring shots to parts of `length` frames or more; the last one may be shorter."""
    starts = [shots[0]]
    for shot in shots[1:]:
        if shot - starts[-1] >= length:
            starts.append(shot)
    return list(zip(starts, [*starts[1:], end], strict=True))


def _part_job(job: FileJob, span: Span) -> FileJob:
    """Return the job of a part: its range, and the plates that its shots would see in the whole."""
    is_first = span[0] == job.video.start
    plates = [p for p in job.plates if is_first or p.frame is None or p.frame >= span[0]]
    video = replace(job.video, start=span[0], end=span[1])
    return replace(job, video=video, plates=tuple(plates))


def _journal(folder: Path, span: Span, key: str) -> Journal:
    return Journal(folder / f"{span[0]:08d}", {"batch": key, "span": list(span)}, resume=True)


def compute_part(
    job: FileJob, model: str | None, span: Span, folder: Path, key: str, hooks: Hooks
) -> None:
    """Compute one part of a film into a folder of parts; one that is there already is left alone.

    Args:
        job: of the whole film.
        model: as in `inpaint`.
        span: of the part.
        folder: of the film's parts; an interrupted part is continued.
        key: digest of everything that the film depends on.
        hooks: progress and cancellation.

    Raises:
        LgtsmError: as `inpaint_video`; VideoError: the patches cannot be stored.
    """
    journal = _journal(folder, span, key)
    with ExitStack() as stack:
        stack.push(journal.leave)
        if _finished(journal) is None:
            report = _part_job(job, span).compute(model, hooks, journal)
            journal.finish(report.frames)
            with WholeFile(journal.folder / _DONE) as partial:
                partial.write_text(json.dumps(asdict(report)), encoding="utf-8")
        stack.pop_all()  # the part is the result, so its journal stays
    journal.keep()


def _finished(journal: Journal) -> Report | None:
    """Return the figures of a part that is complete."""
    with suppress(OSError, ValueError, TypeError):
        values: dict[str, Any] = json.loads((journal.folder / _DONE).read_text(encoding="utf-8"))
        report = Report(**values)
        if report.frames == journal.count:
            return report
    return None


class _Parts:
    """The patches of all parts, as one store."""

    def __init__(self, journals: Sequence[Journal]) -> None:
        self._journals, self._firsts = journals, [0]
        for journal in journals:
            self._firsts.append(self._firsts[-1] + journal.count)
        self.count = self._firsts.pop()

    def patch(self, index: int, frame: Tensor, hole: Tensor) -> Patch:
        """Return a finished patch; see `Journal.patch`."""
        number = bisect_right(self._firsts, index) - 1
        found = self._journals[number].patch(index - self._firsts[number], frame, hole)
        return replace(found, index=index)


def join_parts(job: FileJob, spans: Sequence[Span], folder: Path, key: str, hooks: Hooks) -> Report:
    """Write a film from its parts, in one pass over the source.

    Args:
        job: of the whole film.
        spans: of all parts, in order.
        folder: of the film's parts.
        key: as in `compute_part`.
        hooks: progress and cancellation.

    Returns:
        The figures of all parts together; seconds are those of all processes.

    Raises:
        VideoError: a part is missing or damaged, or the film cannot be written.
    """
    journals: list[Journal] = []
    reports: list[Report] = []
    with ExitStack() as stack:
        for span in spans:
            journals.append(_journal(folder, span, key))
            stack.callback(journals[-1].keep)
            report = _finished(journals[-1])
            if report is None:
                raise VideoError(
                    f"Expected the part from frame {span[0]} on in {folder}, got none that is complete; "
                    "run the batch again."
                )
            reports.append(report)
        written = job.write(hooks, _Parts(journals))
    return _together(reports, written)


def _together(reports: Sequence[Report], written: Report) -> Report:
    """Return the figures of a film from those of its parts and of the writing."""
    total = sum(report.frames for report in reports)

    def mean(values: Sequence[float]) -> float:
        weights = [report.frames / total for report in reports]
        return round(sum(w * v for w, v in zip(weights, values, strict=True)), 4)

    names = dict.fromkeys(name for report in reports for name in report.sources)
    notes = dict.fromkeys(note for report in (*reports, written) for note in report.notes)
    crops = [report.crop for report in reports if report.crop]
    return replace(
        reports[0],
        frames=written.frames,
        frames_with_holes=sum(report.frames_with_holes for report in reports),
        coverage=mean([report.coverage for report in reports]),
        shots=[shot for report in reports for shot in report.shots],
        sources={
            name: mean([report.sources.get(name, 0.0) for report in reports]) for name in names
        },
        unseen=mean([report.unseen for report in reports]),
        crop=_around(crops) if crops else None,
        peak_memory=max(report.peak_memory for report in (*reports, written)),
        seconds=sum(report.seconds for report in (*reports, written)),
        resumed_from=0,
        notes=list(notes),
        outputs=written.outputs,
    )


def _around(crops: Sequence[tuple[int, int, int, int]]) -> tuple[int, int, int, int]:
    """Return the smallest rectangle (left, top, width, height) around all."""
    left, top = min(c[0] for c in crops), min(c[1] for c in crops)
    right, bottom = max(c[0] + c[2] for c in crops), max(c[1] + c[3] for c in crops)
    return left, top, right - left, bottom - top
