"""The demonstration: a clip of our own, its object removed, and the truth to compare with."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from .api import Progress, inpaint
from .errors import VideoError
from .fills.smooth import smooth_fill
from .masks.overlay import overlay
from .masks.prepare import prepare
from .models.network import Network
from .options import GROW_PX, InpaintOptions, MaskOptions, Mode
from .scene.render import SceneOptions, render_scene
from .scene.sheet import contact_sheet, side_by_side
from .video.clip import write_clip
from .weights.load import load_model
from .whole_file import WholeFile

_SHOWN = 4
"""Frames on the contact sheet."""


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """Where the results lie, and the figures.

    psnr, copy_psnr, smooth_psnr: in dB inside the hole against the truth, for the network, for
        copies alone and for the smooth fill.
    seconds: of the network's run, drawing and writing not counted.
    """

    film: Path
    sheet: Path
    model: str
    num_frames: int
    coverage: float
    seconds: float
    psnr: float
    copy_psnr: float
    smooth_psnr: float


def hole_psnr(result: Tensor, truth: Tensor, holes: Tensor) -> float:
    """Measure the error inside the holes.

    Args:
        result: (T,3,H,W) in [0,1].
        truth: (T,3,H,W) in [0,1].
        holes: (T,1,H,W) 0 or 1, 1 = hole.

    Returns:
        PSNR in dB; infinite where nothing differs or there is no hole.
    """
    inside = holes.expand_as(result) > 0
    # float64: a million squares of float32 lose digits
    error = (result[inside].double() - truth[inside].double()).square()
    mean = float(error.mean()) if error.numel() else 0.0
    return -10 * math.log10(mean) if mean > 0 else math.inf


def run_demo(
    folder: Path,
    scene: SceneOptions | None = None,
    *,
    model: Network | str | Path | None = None,
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> DemoResult:
    """Render a clip, remove its object, and write before, mask and after side by side.

    Args:
        folder: for `demo.mp4` and `demo.png`; created if need be.
        scene: what to render.
        model: as in `api.inpaint`.
        progress: called as progress(done, total, note).
        cancel: asked between layers; True stops.

    Returns:
        Paths and figures.

    Raises:
        OptionError: a scene that cannot be rendered; VideoError: the folder cannot be written;
        WeightsError; Cancelled.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VideoError(
            f"Expected a folder for the results, got {folder} ({error.strerror}); choose another."
        ) from error
    network = model if isinstance(model, Network) else load_model(model)
    clip = render_scene(scene or SceneOptions())
    holes = torch.stack(list(prepare(clip.mask, MaskOptions(grow=GROW_PX))))
    options = InpaintOptions(cuts=())
    began = time.perf_counter()
    after = inpaint(clip.frames, holes, network, options, progress, cancel)
    seconds = time.perf_counter() - began
    copied = inpaint(clip.frames, holes, None, replace(options, mode=Mode.COPY), None, cancel)
    smooth = torch.cat(
        [smooth_fill(f[None], h[None]) for f, h in zip(clip.frames, holes, strict=True)]
    )
    film, sheet = folder / "demo.mp4", folder / "demo.png"
    marked = overlay(clip.frames, holes)
    write_clip(film, side_by_side([clip.frames, marked, after]), rate=clip.rate)
    _write_sheet(
        sheet, {"before": clip.frames, "mask": marked, "after": after, "truth": clip.truth}
    )
    return DemoResult(
        film=film,
        sheet=sheet,
        model=network.name,
        num_frames=len(after),
        coverage=float(holes.mean()),
        seconds=seconds,
        psnr=hole_psnr(after, clip.truth, holes),
        copy_psnr=hole_psnr(copied, clip.truth, holes),
        smooth_psnr=hole_psnr(smooth, clip.truth, holes),
    )


def _write_sheet(path: Path, rows: dict[str, Tensor]) -> None:
    """Write a few frames of some clips, one row a clip."""
    count = len(next(iter(rows.values())))
    shown = torch.linspace(0, count - 1, min(_SHOWN, count)).round().long()
    picture = contact_sheet([clip[shown] for clip in rows.values()], list(rows))
    try:
        with WholeFile(path) as partial:
            picture.save(partial, format="PNG")
    except OSError as error:
        raise VideoError(
            f"Expected to write {path}, got: {error.strerror or error}; check free space."
        ) from error
