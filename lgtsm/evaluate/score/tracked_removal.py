"""Removal with tracked masks beside removal with the true ones, on rendered scenes with their truth."""

from __future__ import annotations

import torch

from ...api import inpaint
from ...mask_options import GROW_PX, MaskOptions
from ...masks.morph import grow
from ...metrics.fidelity import hole_psnr
from ...options import InpaintOptions, Mode
from ...scene.camera import Camera, SceneOptions
from ...scene.render import render_scene
from ...tracking.call import track_mask
from ...tracking.confidence import overlap
from ...tracking.prompts import Prompt
from ..tracking.measure import painted_frames
from ..tracking.results import Row

SCENES = ((Camera.PLANAR, 1), (Camera.PARALLAX, 2), (Camera.LOCKED, 3))
_PAINTED = (1, 3, 5)
_FRAMES = 24
_SIZE = (180, 320)
_AROUND_PX = 6
_OPTIONS = InpaintOptions(mode=Mode.COPY, cuts=(), mask=MaskOptions(grow=GROW_PX))


def score_removal(camera: Camera, seed: int, num_frames: int | None = None) -> list[Row]:
    """Remove the vehicle of one scene with its true mask, and with tracked ones.

    Args:
        camera: of the scene.
        seed: of the scene.
        num_frames: None is 24.

    Returns:
        A row for each number of painted frames, 0 for the true masks: `psnr` against the truth on the
        true mask grown by 6 pixels, in dB, and the mean `J` of the masks.
    """
    height, width = _SIZE
    options = SceneOptions(
        seed=seed, camera=camera, num_frames=num_frames or _FRAMES, height=height, width=width
    )
    scene = render_scene(options)
    region = grow(scene.mask, _AROUND_PX)
    rows: list[Row] = []
    for number in (0, *_PAINTED):
        masks = scene.mask
        if number:
            # one is painted where the object is whole
            frames = painted_frames(masks, number) if number > 1 else [len(masks) // 2]
            prompts = [Prompt(frame=frame, mask=masks[frame]) for frame in frames]
            masks = track_mask(scene.frames, prompts, cuts=()).masks
        overlaps = [overlap(one, true) for one, true in zip(masks, scene.mask, strict=True)]
        result = inpaint(scene.frames, masks, None, _OPTIONS)
        rows.append(
            {
                "scene": f"{camera.value} {seed}",
                "painted": number,
                "J": float(torch.tensor(overlaps).mean()),
                "psnr": hole_psnr(result, scene.truth, region),
            }
        )
    return rows
