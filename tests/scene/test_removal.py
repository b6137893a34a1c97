"""The rendered scene tells whether a removal is right; seeds other than the demo's."""

import pytest
import torch

import lgtsm
from lgtsm.fills.smooth import smooth_fill
from lgtsm.mask_options import MaskOptions
from lgtsm.metrics.fidelity import hole_psnr
from lgtsm.options import InpaintOptions, Mode
from lgtsm.scene.camera import Camera, SceneOptions
from lgtsm.scene.render import render_scene

OPTIONS = InpaintOptions(cuts=(), mask=MaskOptions(grow=2))


def _removed(seed, camera, mode):
    scene = render_scene(
        SceneOptions(seed=seed, camera=camera, num_frames=20, height=68, width=120)
    )
    result = lgtsm.inpaint(
        scene.frames, scene.mask, None, InpaintOptions(mode=mode, cuts=(), mask=OPTIONS.mask)
    )
    smooth = smooth_fill(scene.frames, scene.mask)
    return (
        hole_psnr(result, scene.truth, scene.mask),
        hole_psnr(torch.where(scene.mask > 0, smooth, scene.truth), scene.truth, scene.mask),
    )


@pytest.mark.parametrize(
    ("mode", "seed"),
    [
        (Mode.COPY_FILL, 11),
        *(
            pytest.param(mode, seed, marks=pytest.mark.slow)
            for mode, seed in (
                (Mode.COPY_FILL, 12),
                (Mode.COPY_FILL, 13),
                (Mode.COPY, 11),
                (Mode.COPY, 12),
                (Mode.COPY, 13),
            )
        ),
    ],
)
def test_a_locked_shot_gets_its_background_back(seed, mode):
    removed, smooth = _removed(seed, Camera.LOCKED, mode)
    assert removed > 30
    assert removed > smooth + 8


@pytest.mark.parametrize(
    "seed", [11, pytest.param(12, marks=pytest.mark.slow), pytest.param(13, marks=pytest.mark.slow)]
)
def test_a_moving_shot_is_filled_better_than_smoothly(seed):
    removed, smooth = _removed(seed, Camera.PARALLAX, Mode.COPY_FILL)
    assert removed > smooth
