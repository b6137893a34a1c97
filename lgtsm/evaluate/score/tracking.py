"""The protocol `tracking`: masks tracked from painted frames instead of holes that are filled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import torch

from ...errors import Cancelled, OptionError
from ...scene.camera import Camera
from ..tracking.measure import PAINTED, score_track
from ..tracking.results import NAME, Row, TrackingResults
from .clips import Clip, find_clips, read_footage
from .protocols import PROTOCOLS
from .run import versions
from .tracked_removal import SCENES, score_removal

_LIKE = PROTOCOLS["own"]
"""The protocol with the same clips, size and masks."""


@dataclass(frozen=True, kw_only=True)
class TrackingSettings:
    """What to run.

    data: folder with a folder of frames a clip, and its masks in CLIP/masks.
    num_frames: first frames of each clip; None: all.
    max_clips: the first clips, and as many rendered scenes; None: all.
    workers: single-threaded processes.
    """

    data: Path | None
    num_frames: int | None = None
    max_clips: int | None = None
    workers: int = 1


def run_tracking(
    settings: TrackingSettings,
    *,
    progress: Callable[[int, int, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> TrackingResults:
    """Track in every clip that has masks.

    Args:
        settings: what to run.
        progress: called after every clip.
        cancel: asked between clips; True stops.

    Raises:
        OptionError: no clip with masks; Cancelled; and errors of reading the clips.
    """
    clips = [clip for clip in find_clips(_LIKE, settings.data) if clip.masks is not None]
    clips = clips[: settings.max_clips]
    _require_some(clips)  # before minutes of work on the scenes
    rows: dict[str, list[Row]] = {}
    # spawn: torch's threads do not survive a fork
    with ProcessPoolExecutor(settings.workers, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(_score_clip, clip, settings.num_frames): clip for clip in clips}
        scenes = [
            pool.submit(_score_removal, *scene, settings.num_frames)
            for scene in SCENES[: settings.max_clips]
        ]
        for future in as_completed(waiting):
            rows[waiting[future].name] = future.result()
            if progress is not None:
                progress(len(rows), len(clips), waiting[future].name)
            if cancel is not None and cancel():
                pool.shutdown(wait=False, cancel_futures=True)
                raise Cancelled("Expected to score all clips, was asked to stop; run it again.")
        removals = [row for scene in scenes for row in scene.result()]
    scores = [row for clip in clips for row in rows[clip.name]]
    _require_some(scores)
    height, width = _LIKE.size or (0, 0)
    protocol = {"name": NAME, "size": [width, height], "frames": settings.num_frames}
    return TrackingResults(protocol=protocol, scores=scores, versions=versions(), removals=removals)


def _require_some(found: Sequence[object]) -> None:
    if not found:
        raise OptionError(
            "Expected clips with masks of an object in CLIP/masks, found none; choose another folder."
        )


def _score_clip(clip: Clip, num_frames: int | None) -> list[Row]:
    torch.set_num_threads(1)
    footage = read_footage(clip, _LIKE.size, num_frames)
    assert footage.own is not None
    found = (score_track(clip.name, footage.frames, footage.own, n) for n in PAINTED)
    return [row for row in found if row is not None]


def _score_removal(camera: Camera, seed: int, num_frames: int | None) -> list[Row]:
    torch.set_num_threads(1)
    return score_removal(camera, seed, num_frames)
