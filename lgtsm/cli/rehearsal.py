"""`lgtsm inpaint --dry-run`: what a job would take, from headers, the mask and a short trial."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..options import InpaintOptions, Mode, VideoOptions
from .tasks import Task
from .terminal import format_bytes, format_seconds, format_speed

if TYPE_CHECKING:
    from torch import Tensor

    from ..copying.plates import Plate
    from ..job import FileJob
    from ..video.probe import VideoInfo

_SEARCH_SECONDS = 3.0
"""Time to look for the first hole in order, before masks are looked at here and there."""
_GLANCES = 8


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
    from ..copying.plates import check_plate
    from ..engine.estimate import estimate
    from ..engine.hooks import Hooks
    from ..engine.trial import TRIAL_FRAMES, try_out
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
        if task.target.suffix.lower() not in ("", ".gif") and not task.target.is_dir():
            container_preset(task.target)
    num_masks, coverage = job.check_mask_within(info, _SEARCH_SECONDS, Hooks(None, cancel))
    num_frames = job.num_frames(info)
    for plate in plates:
        check_plate(plate, (info.height, info.width))
    network = None if options.mode is Mode.COPY else load_model(model)
    synthesiser = job.load_synthesiser()
    found = None if coverage == 0 else _first_hole(job, info, num_masks, cancel)
    if found is None:
        return f"{task.source}\n  the mask is empty: nothing would be filled"
    index, hole = found
    if not hole.any():
        return (
            f"{task.source}\n  no hole in the first masks nor in {_GLANCES} later ones: give the "
            "first frame that has one, with --start"
        )
    index = max(video.start, min(index, video.start + num_frames - TRIAL_FRAMES))
    pixels, reading = _read(task.source, index, video)
    plan = try_out(pixels, hole, network, options, num_frames, cancel)
    per_frame = reading + plan.seconds
    coverage = float(hole.mean()) if coverage is None else coverage
    memory = estimate(
        max(1, num_frames), info.height, info.width, options, network and network.spec
    )
    about = "" if info.num_frames_exact else "about "
    masks = f"{num_masks} masks" if num_masks > 1 else "one mask for all frames"
    if isinstance(task.mask, list):
        masks = "one box" if len(task.mask) == 1 else f"{len(task.mask)} boxes"
    dtype = str(plan.policy.dtype).removeprefix("torch.")
    rows = {
        "frames": f"{about}{num_frames} of {info.width}x{info.height}, "
        f"{float(info.rate):.3f} frames/s",
        "works at": f"{plan.working[1]}x{plan.working[0]}",
        "mask": f"{masks}, {coverage:.1%} of the picture in its first frame, before growing",
        "model": network.name if network else "none",
        "unseen": f"synthesised by {synthesiser.name}"
        if options.synthesises
        else "not synthesised",
        "runs on": f"{plan.policy.device}, {dtype}, {plan.policy.chunk} frames at a time",
        "memory": f"at most about {format_bytes(memory)} for the fill",
        "time": f"about {format_seconds(per_frame * num_frames)} "
        f"({format_speed(1, per_frame)}), from a small trial of {len(pixels)} frames",
        "output": str(task.target or "not named yet"),
    }
    return "\n".join([str(task.source), *(f"  {name:<8}  {text}" for name, text in rows.items())])


def _read(source: Path, start: int, video: VideoOptions) -> tuple[list[Tensor], float]:
    """Read a few frames (3,H,W); return them and the seconds for one, without opening the file."""
    from ..engine.trial import TRIAL_FRAMES
    from ..video.read import read_frames

    end = min(start + TRIAL_FRAMES, video.end or start + TRIAL_FRAMES)
    frames = read_frames(source, start=start, end=end, rate=video.rate)
    began = time.perf_counter()
    pixels = [next(frames).rgb()]
    opened = time.perf_counter()
    pixels += [frame.rgb() for frame in frames]
    if len(pixels) == 1:
        return pixels, opened - began
    return pixels, (time.perf_counter() - opened) / (len(pixels) - 1)


def _first_hole(
    job: FileJob, info: VideoInfo, num_masks: int, cancel: Callable[[], bool]
) -> tuple[int, Tensor] | None:
    """Return the number of an early frame with a hole, and the hole (1,H,W).

    The hole is empty where none was found in time; None where there is none at all.
    """
    from ..mask_source import MaskSource
    from ..masks.boxes import box_masks
    from ..masks.prepare import prepare

    options = replace(job.options.mask, temporal_gap=0, temporal_grow=0)
    start = job.video.start
    if isinstance(job.mask, list):
        starts = [max(start, box.start) for box in job.mask if (box.end or start + 1) > start]
        first = min(starts, default=start)
        masks = box_masks(job.mask, info.height, info.width, start=first)
        return first, next(prepare(masks, options))
    late = time.monotonic() + _SEARCH_SECONDS
    first, end = (start, job.video.end) if start < num_masks else (0, None)
    source = MaskSource(job.mask, job.options.mask, info, job.source)
    masks = source.part(first, end)
    for index, hole in enumerate(prepare(masks, options), first):
        if bool(hole.any()):
            return max(index, start), hole
        if cancel() or time.monotonic() > late:
            break
    else:
        return None
    for glance in range(_GLANCES):
        index = first + (num_masks - first) * (2 * glance + 1) // (2 * _GLANCES)
        hole = next(prepare(source.part(index, index + 1), options))
        if bool(hole.any()):
            break
    return index, hole
