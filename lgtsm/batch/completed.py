"""The mask of a film with its shadow or rim added: once, and kept for the next run."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..completion.kinds import parse_additions
from ..engine.hooks import Hooks
from ..engine.threads import computing_threads
from ..file_completion import complete_file
from ..job import FileJob
from ..whole_file import WholeFolder
from .description import BatchJob
from .manifest import begun_manifest, json_digest, state_folder

COMPLETING = "completing the mask"
"""Note of the progress of completing."""
_MASK, _FOUND = "mask.mkv", "found.json"
_INPUTS = ("source", "mask", "track", "tracker")
_OPTIONS = ("complete", "box", "start", "end", "cuts", "temporal_gap", "temporal_grow")
_READ = ("threshold", "invert", "fit_mask", "fill_enclosed", "length", "tracker", "tracker_model")
"""Options that a completed mask depends on."""


def completed_job(job: BatchJob, file_job: FileJob, folder: Path) -> FileJob:
    """Return a job that has begun with the completed mask as its own; unchanged where none is wanted.

    Args:
        job: the job.
        file_job: the same with local files, and the mask of the object alone.
        folder: of the results.

    Raises:
        VideoError: the manifest of the job is gone.
    """
    if not job.complete:
        return file_job
    # what is written is a hole already
    mask = replace(file_job.options.mask, invert=False, threshold=0.5)
    options = replace(file_job.options, mask=mask)
    return replace(file_job, mask=_mask_file(folder, job), options=options)


def complete_mask(job: BatchJob, file_job: FileJob, folder: Path, hooks: Hooks) -> FileJob:
    """Complete the mask of a job that wants it, unless it is there already.

    Args:
        job: the job.
        file_job: the same with local files, and the mask of the object alone.
        folder: of the results.
        hooks: progress and cancellation.

    Returns:
        The file job with the completed mask, as `completed_job`.

    Raises:
        LgtsmError: as `complete_file`.
    """
    completed = completed_job(job, file_job, folder)
    mask = completed.mask
    if not job.complete or not isinstance(mask, Path) or mask.exists():
        return completed
    place, options, video = mask.parent.parent, file_job.options, file_job.video
    place.mkdir(parents=True, exist_ok=True)
    more = options.mask.temporal_gap + options.mask.temporal_grow
    with WholeFolder(mask.parent) as partial, computing_threads(options.run.threads):
        found = complete_file(
            file_job.source,
            file_job.mask,
            partial / mask.name,
            kinds=parse_additions(" ".join(job.complete)),
            options=options.mask,
            start=max(0, video.start - more),
            end=None if video.end is None else video.end + more,
            cuts=options.cuts,
            progress=lambda done, total, _: hooks.report(done, total, COMPLETING),
            cancel=hooks.cancel,
        )
        added = {name: round(share, 6) for name, share in found.shares.items()}
        text = json.dumps({"added": added, "notes": found.notes})
        (partial / _FOUND).write_text(text, encoding="utf-8")
    for older in set(place.iterdir()) - {mask.parent}:
        shutil.rmtree(older, ignore_errors=True)
    return completed


def with_additions(report: dict[str, Any], job: BatchJob, folder: Path) -> dict[str, Any]:
    """Return the figures of a film with what was added to its mask."""
    if job.complete and report:
        with suppress(OSError, ValueError):
            file = _mask_file(folder, job).with_name(_FOUND)
            found = json.loads(file.read_text(encoding="utf-8"))
            notes = list(dict.fromkeys([*found["notes"], *report["notes"]]))
            return report | {"added": found["added"], "notes": notes}
    return report


def _mask_file(folder: Path, job: BatchJob) -> Path:
    """Return where the completed mask of a job that has begun lies; another mask has another name."""
    identity = begun_manifest(folder, job).identity
    inputs, values = identity["inputs"], identity["job"]
    settings = {name: values.get(name) for name in _OPTIONS + _READ}
    files = [inputs[name] for name in _INPUTS]
    depends = [identity["version"], *files, identity["track_frames"], settings]
    place = state_folder(folder) / "completed" / job.output
    return place / json_digest(depends)[:16] / _MASK
