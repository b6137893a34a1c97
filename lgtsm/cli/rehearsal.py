"""`lgtsm inpaint --dry-run`: what a job would take, from headers, the mask and a short trial."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import dropwhile, islice
from pathlib import Path
from typing import TYPE_CHECKING

from ..options import InpaintOptions, Mode, VideoOptions
from ..report import Report
from .tasks import Task
from .terminal import format_bytes, format_seconds

if TYPE_CHECKING:
    from ..copying.plates import Plate
    from ..engine.hooks import Hooks
    from ..job import FileJob
    from ..models.network import Network
    from ..video.probe import VideoInfo

_TRIAL_FRAMES = 12
"""Enough for a few frames to have source frames on both sides."""


def rehearse(
    task: Task,
    options: InpaintOptions,
    video: VideoOptions,
    model: str | None,
    cancel: Callable[[], bool],
    plates: tuple[Plate, ...] = (),
) -> str:
    """Estimate a job without writing anything; return lines of text.

    Arguments are those of `api.inpaint_video`.

    Raises:
        LgtsmError: whatever would stop the job before its first frame.
    """
    from ..engine.estimate import estimate
    from ..engine.hooks import Hooks
    from ..job import FileJob
    from ..video.encode import container_preset
    from ..video.probe import probe
    from ..weights.load import load_model

    info = probe(task.source, rate=video.rate)
    job = FileJob(
        source=task.source,
        mask=task.mask,
        target=task.target or Path(),
        options=options,
        video=video,
        plates=plates,
    )
    if task.target is not None:
        job.check_names()
        if task.target.suffix and not task.target.is_dir():
            container_preset(task.target)
    num_masks, coverage = job.check_mask(info)
    num_frames = job.num_frames(info)
    network = None if options.mode is Mode.COPY else load_model(model)
    report = Report()
    per_frame = _trial(job, info, network, Hooks(None, cancel), report)
    if not report.frames:
        return f"{task.source}\n  the mask is empty: nothing would be filled"
    memory = estimate(
        max(1, num_frames), info.height, info.width, options, network and network.spec
    )
    about = "" if info.num_frames_exact else "about "
    masks = f"{num_masks} masks" if num_masks > 1 else "one mask for all frames"
    if isinstance(task.mask, list):
        masks = f"{len(task.mask)} boxes"
    rows = {
        "frames": f"{about}{num_frames} of {info.width}x{info.height}, "
        f"{float(info.rate):.3f} frames/s",
        "works at": "{}x{}".format(*report.working_size),
        "mask": f"{masks}, {coverage:.1%} of the picture in its first frame, before growing",
        "model": network.name if network else "none",
        "runs on": f"{report.device}, {report.dtype}, {report.chunk} frames at a time",
        "memory": f"at most about {format_bytes(memory)} for the fill",
        "time": f"about {format_seconds(per_frame * num_frames)} "
        f"({1 / max(per_frame, 1e-6):.2f} frames/s), from a trial of {report.frames} frames",
        "output": str(task.target or "not named yet"),
    }
    return "\n".join([str(task.source), *(f"  {name:<8}  {text}" for name, text in rows.items())])


def _trial(
    job: FileJob, info: VideoInfo, network: Network | None, hooks: Hooks, report: Report
) -> float:
    """Fill the first few frames that have a hole; return seconds per frame."""
    from ..engine.run import Job

    with_hole = dropwhile(lambda pair: not pair[1].any(), job.pairs(info))
    began = time.perf_counter()
    trial = Job(network, job.options, hooks, report, plates=job.numbered())
    for _ in trial.run(islice(with_hole, _TRIAL_FRAMES)):
        pass
    return (time.perf_counter() - began) / max(1, report.frames)
