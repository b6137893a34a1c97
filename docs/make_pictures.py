"""Make the pictures of README and documentation from the project's own rendered scene.

Run from the repository: python docs/make_pictures.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

import lgtsm
from lgtsm.demo import run_demo
from lgtsm.mask_options import GROW_PX, TRACKED_GROW_PERCENT, MaskOptions
from lgtsm.masks.overlay import Paint, overlay
from lgtsm.options import InpaintOptions
from lgtsm.scene.camera import Camera, SceneOptions
from lgtsm.scene.render import render_scene
from lgtsm.scene.sheet import contact_sheet, side_by_side

DOCS = Path(__file__).parent
SIZE = (216, 384)
FRAMES = 72
PAINTED = 34
"""The one frame in which the vehicle is marked, about the middle of its way."""
_SHEET_PX = 1200
_FILM_QUALITY = 62
"""Of WebP: the largest at which the film stays below a megabyte."""


def main() -> None:
    """Write docs/demo.jpg and docs/pictures."""
    (DOCS / "pictures").mkdir(exist_ok=True)
    show_demo(DOCS / "demo.jpg")
    show_removal(DOCS / "pictures" / "removal.webp", DOCS / "pictures" / "tracking.jpg")
    show_unseen(DOCS / "pictures" / "unseen.jpg")


def show_demo(path: Path) -> None:
    """Keep the contact sheet of `lgtsm demo`."""
    with tempfile.TemporaryDirectory() as folder:
        result = run_demo(Path(folder), SceneOptions())
        sheet = Image.open(result.sheet).convert("RGB")
        size = (_SHEET_PX, round(sheet.height * _SHEET_PX / sheet.width))
        sheet.resize(size, Image.Resampling.LANCZOS).save(path, quality=88)


def show_removal(film: Path, tracked: Path) -> None:
    """Mark the vehicle in one frame, track and remove it; show the film, and the masks."""
    scene = render_scene(_options(Camera.PARALLAX, FRAMES))
    prompt = lgtsm.Prompt(frame=PAINTED, mask=scene.mask[PAINTED])
    masks = lgtsm.track_mask(scene.frames, [prompt], cuts=()).masks
    grown = MaskOptions(grow=GROW_PX, grow_percent=TRACKED_GROW_PERCENT)
    options = InpaintOptions(cuts=(), mask=grown)
    after = lgtsm.inpaint(scene.frames, masks, options=options)
    pictures = [_picture(frame) for frame in side_by_side([scene.frames, after])[::2]]
    pictures[0].save(
        film,
        save_all=True,
        append_images=pictures[1:],
        duration=round(2000 / scene.rate),
        loop=0,
        quality=_FILM_QUALITY,
        method=6,
    )
    painted = overlay(scene.frames[PAINTED:][:1], scene.mask[PAINTED:][:1], Paint.WHITE)[0]
    shown = overlay(scene.frames, masks)
    rows = [[scene.frames[PAINTED], painted], [shown[PAINTED - 12], shown[PAINTED + 12]]]
    titles = [
        "one frame, and the object painted in it",
        "tracked: 12 frames before, 12 frames after",
    ]
    contact_sheet(rows, titles).save(tracked, quality=88)


def show_unseen(path: Path) -> None:
    """Hide a part of the scene in every frame; show what is invented there beside the truth."""
    scene = render_scene(_options(Camera.LOCKED, 24))
    hole = torch.zeros(1, 1, *SIZE)
    hole[..., 96:166, 150:236] = 1
    after = lgtsm.inpaint(scene.truth, hole, options=InpaintOptions(cuts=()))
    marked = overlay(scene.truth, hole, Paint.CHECKER)
    rows = [[marked[2], after[2]], [after[20], scene.truth[20]]]
    titles = ["hidden in every frame, and what is invented", "18 frames later, and the truth"]
    contact_sheet(rows, titles).save(path, quality=88)


def _options(camera: Camera, num_frames: int) -> SceneOptions:
    return SceneOptions(camera=camera, num_frames=num_frames, height=SIZE[0], width=SIZE[1])


def _picture(frame: Tensor) -> Image.Image:
    """Return a frame (3,H,W) in [0,1] as a picture."""
    pixels = frame.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).contiguous()
    return Image.fromarray(pixels.numpy())


if __name__ == "__main__":
    main()
