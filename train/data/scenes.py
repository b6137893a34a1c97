"""Rendered scenes as training clips: true motion, no licence to mind."""

from __future__ import annotations

import numpy as np

from lgtsm.scene.camera import Camera, SceneOptions
from lgtsm.scene.render import render_scene

FIRST_SEED = 100_000
"""Seeds below are left to the demo and to measurements, so that none of theirs is trained on."""
_FRAMES, _SIZE = 32, (180, 320)


def render_clip(number: int) -> np.ndarray:
    """Render one empty scene; cameras take turns.

    Args:
        number: of the scene, 0 or more.

    Returns:
        (32,180,320,3) uint8.
    """
    cameras = list(Camera)
    options = SceneOptions(
        seed=FIRST_SEED + number,
        camera=cameras[number % len(cameras)],
        num_frames=_FRAMES,
        height=_SIZE[0],
        width=_SIZE[1],
    )
    truth = render_scene(options).truth
    return (255 * truth).round().byte().permute(0, 2, 3, 1).numpy()  # (T,H,W,3)
