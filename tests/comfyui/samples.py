"""Make the sample files of the workflows: python -m tests.comfyui.samples."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

from lgtsm.masks.draw.kinds import Kind
from lgtsm.masks.draw.raster import draw_masks
from lgtsm.scene.camera import Camera, SceneOptions
from lgtsm.scene.render import render_scene
from lgtsm.video.clip import write_clip
from tests.comfyui.serving import ROOT

FOLDER = ROOT / "workflows" / "samples"
FRAMES, HEIGHT, WIDTH = 16, 180, 320
PAINTED = 8
"""Frame in which the object is whole."""


def write_samples(folder: Path) -> None:
    """Write a clip, its mask and a frame with the object painted; a clip with a logo, and a frame with that."""
    folder.mkdir(exist_ok=True)
    scene = _scene(Camera.LOCKED, 7)
    write_clip(folder / "lgtsm_sample_clip.mp4", scene.frames, rate=scene.rate)
    mask = scene.mask.expand(-1, 3, -1, -1)
    write_clip(folder / "lgtsm_sample_mask.mp4", mask, rate=scene.rate)
    _paint(scene.frames[PAINTED], scene.mask[PAINTED], folder / "lgtsm_sample_painted.png")
    scene = _scene(Camera.PLANAR, 3)
    logo = draw_masks(1, HEIGHT, WIDTH, kind=Kind.LOGO, seed=4, coverage_ratio=0.02)
    frames = torch.where(logo > 0, 0.25 * scene.truth + 0.75, scene.truth)
    write_clip(folder / "lgtsm_sample_logo.mp4", frames, rate=scene.rate)
    _paint(frames[0], logo[0], folder / "lgtsm_sample_logo.png")


def _paint(frame: torch.Tensor, mask: torch.Tensor, path: Path) -> None:
    """Write a frame as the mask editor does, which makes painted pixels transparent."""
    painted = torch.nn.functional.max_pool2d(mask[None], 7, 1, 3)[0]
    pixels = torch.cat([frame, 1 - painted]).mul(255).round().byte().permute(1, 2, 0)
    Image.fromarray(pixels.numpy(), "RGBA").save(path)


def _scene(camera: Camera, seed: int):
    size = {"height": HEIGHT, "width": WIDTH}
    return render_scene(SceneOptions(camera=camera, seed=seed, num_frames=FRAMES, **size))


if __name__ == "__main__":
    write_samples(FOLDER)
