"""The mask of a film whose object is painted, boxed or pointed at in some frames: tracked once, and kept for the next run."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..engine.hooks import Hooks
from ..file_tracking import track_for_job
from ..job import FileJob
from ..prompt_names import read_prompts
from ..tracked_folder import TrackedFolder
from ..tracking.prompts import check_inside, check_prompts, painted_mask
from ..video.probe import VideoInfo, count_frames
from ..whole_file import WholeFolder
from .description import BatchJob
from .manifest import begun_manifest, json_digest, state_folder

TRACKING = "tracking"
"""Note of the progress of tracking."""
_MASK, _NOTES, _STRETCHES = "mask.mkv", "notes.json", "stretches"
_OPTIONS = ("start", "end", "cuts", "temporal_gap", "temporal_grow", "tracker", "tracker_model")
"""Options that a tracked mask depends on."""


def check_painted(job: BatchJob, info: VideoInfo | None) -> None:
    """Read the prompts of a job.

    Args:
        job: the job.
        info: of its source; None where that is not here yet.

    Raises:
        OptionError: what would stop the tracking.
    """
    if not job.track:
        return
    prompts = read_prompts(job.track)
    last = max(prompt.frame for prompt in prompts)
    if info is None:
        num_frames = last + 1
    elif last < info.num_frames:
        num_frames = info.num_frames
    else:  # headers err
        num_frames = count_frames(Path(job.source))
    for prompt in check_prompts(prompts, num_frames):
        if info is None:
            continue
        size = info.height, info.width
        if prompt.mask is None:
            check_inside(prompt, size)
        else:
            painted_mask(prompt, size, [])


def mask_file(folder: Path, job: BatchJob) -> Path:
    """Return where the tracked mask of a job that has begun lies; another mask has another name.

    Raises:
        VideoError: the manifest of the job is gone.
    """
    identity = begun_manifest(folder, job).identity
    inputs = identity["inputs"]
    settings = {name: identity["job"].get(name) for name in _OPTIONS}
    files = [inputs[name] for name in ("source", "track", "tracker")]
    depends = [identity["version"], *files, identity["track_frames"]]
    return _tracked_folder(folder, job) / json_digest([*depends, settings])[:16] / _MASK


def make_mask(job: BatchJob, file_job: FileJob, folder: Path, hooks: Hooks) -> None:
    """Track the mask of a job that has painted frames, unless it is there already.

    Args:
        job: the job.
        file_job: the same with local files, its mask where `mask_file` puts it.
        folder: of the results.
        hooks: progress and cancellation; stretches that were tracked until then are kept.

    Raises:
        LgtsmError: as `track_file`.
    """
    mask = file_job.mask
    if not job.track or not isinstance(mask, Path) or mask.exists():
        return
    place = _tracked_folder(folder, job)
    stretches = place / _STRETCHES
    kept = TrackedFolder(stretches, file_job.source)
    with WholeFolder(mask.parent) as partial:
        found = track_for_job(
            file_job.source,
            read_prompts(job.track),
            partial / mask.name,
            file_job.options,
            file_job.video,
            tracking=job.tracking,
            kept=kept,
            hooks=Hooks(lambda done, total, _: hooks.report(done, total, TRACKING), hooks.cancel),
        )
        notes = [*found.notes, *filter(None, [found.doubt])]
        (partial / _NOTES).write_text(json.dumps(notes), encoding="utf-8")
    for older in set(place.iterdir()) - {mask.parent, stretches}:
        shutil.rmtree(older, ignore_errors=True)


def with_notes(report: dict[str, Any], job: BatchJob, folder: Path) -> dict[str, Any]:
    """Return the figures of a film with the notes of the tracking that made its mask."""
    if job.track and report:
        with suppress(OSError, ValueError):
            text = mask_file(folder, job).with_name(_NOTES).read_text(encoding="utf-8")
            return report | {"notes": list(dict.fromkeys([*json.loads(text), *report["notes"]]))}
    return report


def _tracked_folder(folder: Path, job: BatchJob) -> Path:
    return state_folder(folder) / "tracked" / job.output
