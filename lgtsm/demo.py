"""The demonstration: remove the object of a rendered clip and compare with the truth."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from .api import Progress, inpaint_clip
from .errors import VideoError
from .fills.smooth import smooth_fill
from .mask_options import GROW_PX, MaskOptions
from .masks.overlay import overlay
from .metrics.fidelity import hole_psnr
from .models.network import Network
from .options import InpaintOptions
from .scene.camera import SceneOptions
from .scene.render import render_scene
from .scene.sheet import clip_sheet, side_by_side
from .video.clip import write_clip
from .weights.load import load_model
from .whole_file import WholeFile

_TOGETHER = 8  # frames that are filled smoothly at once


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """Paths and figures.

    psnr, smooth_psnr: in dB inside the hole, of copies and network, and of the smooth fill.
    coverage: mean hole ratio, 0..1.
    seconds: of copies and network, without rendering and writing.
    """

    film: Path
    sheet: Path
    model: str
    num_frames: int
    coverage: float
    seconds: float
    psnr: float
    smooth_psnr: float


def run_demo(
    folder: Path,
    scene: SceneOptions | None = None,
    *,
    model: Network | str | Path | None = None,
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> DemoResult:
    """Render a clip, remove its object, and write original, mask and result side by side.

    Args:
        folder: for `demo.mp4` and `demo.png`; created if missing.
        scene: what to render.
        model: as in `api.inpaint`.
        progress: called as progress(done, total, note).
        cancel: polled between layers; True stops.

    Raises:
        VideoError: the folder cannot be written; WeightsError; Cancelled.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VideoError(
            f"Expected a folder for the results, got {folder} ({error.strerror}); choose another."
        ) from error
    network = model if isinstance(model, Network) else load_model(model)
    clip = render_scene(scene or SceneOptions())
    options = InpaintOptions(cuts=(), mask=MaskOptions(grow=GROW_PX))
    began = time.perf_counter()
    result = inpaint_clip(
        clip.frames, clip.mask, network, options, progress=progress, cancel=cancel
    )
    seconds, after, holes = time.perf_counter() - began, result.frames, result.holes
    parts = zip(clip.frames.split(_TOGETHER), holes.split(_TOGETHER), strict=True)
    smooth = torch.cat([smooth_fill(frames, hole) for frames, hole in parts])
    film, sheet = folder / "demo.mp4", folder / "demo.png"
    marked = overlay(clip.frames, holes)
    write_clip(film, side_by_side([clip.frames, marked, after]), rate=clip.rate)
    rows = {"before": clip.frames, "mask": marked, "after": after, "truth": clip.truth}
    try:
        with WholeFile(sheet) as partial:
            clip_sheet(rows).save(partial, format="PNG")
    except OSError as error:
        raise VideoError(
            f"Expected to write {sheet}, got: {error.strerror or error}; check free space."
        ) from error
    return DemoResult(
        film=film,
        sheet=sheet,
        model=network.name,
        num_frames=len(after),
        coverage=float(holes.mean()),
        seconds=seconds,
        psnr=hole_psnr(after, clip.truth, holes),
        smooth_psnr=hole_psnr(smooth, clip.truth, holes),
    )
