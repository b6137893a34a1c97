"""Files that the shipped workflows ask for, drawn by the project itself."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

from lgtsm.scene.camera import SceneOptions
from lgtsm.scene.render import render_scene
from lgtsm.video.clip import write_clip


def write_samples(folder: Path, num_frames: int = 16) -> None:
    """Write clip.mp4, mask.mp4 and logo.png (a frame with a painted corner) into a folder."""
    scene = render_scene(SceneOptions(num_frames=num_frames, width=320, height=180))
    write_clip(folder / "clip.mp4", scene.frames, rate=scene.rate)
    write_clip(folder / "mask.mp4", scene.mask.expand(-1, 3, -1, -1), rate=scene.rate)
    alpha = torch.full((1, 180, 320), 1.0)
    alpha[:, 10:40, 250:310] = 0  # the mask editor makes painted pixels transparent
    pixels = torch.cat([scene.frames[0], alpha]).mul(255).round().byte().permute(1, 2, 0)
    Image.fromarray(pixels.numpy(), "RGBA").save(folder / "logo.png")
