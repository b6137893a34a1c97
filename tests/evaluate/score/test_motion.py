import pytest
import torch

from lgtsm.evaluate.score.motion import MOTIONS, motion_errors
from lgtsm.scene.camera import Camera, SceneOptions
from lgtsm.scene.render import render_scene


def _errors(camera):
    scene = render_scene(SceneOptions(camera=camera, num_frames=4, height=96, width=160))
    return motion_errors(scene.frames * (1 - scene.mask), scene.mask, scene.truth, scene.flow)


@pytest.mark.slow
def test_a_pan_is_tracked_to_a_fraction_of_a_pixel_behind_the_vehicle_too():
    pytest.importorskip("cv2")
    errors = _errors(Camera.PLANAR)
    assert list(errors) == list(MOTIONS)
    assert max(errors["lgtsm"]) < 0.25
    # with a wrong true flow, the error is the length of the difference
    scene = render_scene(SceneOptions(camera=Camera.LOCKED, num_frames=3, height=96, width=160))
    lie = torch.zeros_like(scene.flow)
    lie[:, 0], lie[:, 1] = 3, 4
    masked = scene.frames * (1 - scene.mask)
    told = motion_errors(masked, scene.mask, scene.truth, scene.flow + lie)
    assert told["lgtsm"] == pytest.approx([5, 5], abs=0.05)
