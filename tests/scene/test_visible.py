import dataclasses

import pytest
import torch

from lgtsm.scene.camera import Camera, SceneOptions
from lgtsm.scene.render import render_scene, shown_elsewhere

SMALL = {"num_frames": 9, "height": 72, "width": 128}


def test_a_locked_camera_shows_what_any_other_frame_uncovers():
    scene = render_scene(SceneOptions(camera=Camera.LOCKED, **SMALL))
    shown = shown_elsewhere(scene)
    near = (1, 2, 3, 4, 6, 8)
    for t in range(SMALL["num_frames"]):
        others = [s for d in near for s in (t - d, t + d) if 0 <= s < SMALL["num_frames"]]
        free = 1 - scene.mask[others].amin(0)
        assert torch.equal(shown[t], scene.mask[t] * free)
    assert shown.any()
    always = dataclasses.replace(scene, mask=torch.ones_like(scene.mask))
    assert not shown_elsewhere(always).any()


@pytest.mark.parametrize(
    "camera", [pytest.param(Camera.PLANAR, marks=pytest.mark.slow), Camera.PARALLAX]
)
def test_pixels_shown_elsewhere_are_in_the_mask(camera):
    scene = render_scene(SceneOptions(camera=camera, **SMALL))
    shown = shown_elsewhere(scene)
    assert not (shown * (1 - scene.mask)).any()
    assert shown.sum() > 0.3 * scene.mask.sum()


def test_a_single_frame_shows_nothing_elsewhere():
    scene = render_scene(SceneOptions(num_frames=1, height=72, width=128))
    assert not shown_elsewhere(scene).any()
