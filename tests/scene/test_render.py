import pytest
import torch
from torch.nn.functional import grid_sample, max_pool2d

from lgtsm.errors import OptionError
from lgtsm.scene.camera import Camera, SceneOptions
from lgtsm.scene.render import render_scene

SMALL = {"num_frames": 8, "height": 45, "width": 80}


def _scene(camera, seed=7, **changes):
    return render_scene(SceneOptions(camera=camera, seed=seed, **{**SMALL, **changes}))


@pytest.fixture(scope="module")
def scenes():
    return {camera: _scene(camera) for camera in Camera}


@pytest.mark.parametrize("camera", list(Camera))
def test_shapes_and_ranges(scenes, camera):
    scene = scenes[camera]
    assert scene.frames.shape == scene.truth.shape == (8, 3, 45, 80)
    assert scene.mask.shape == (8, 1, 45, 80)
    assert scene.flow.shape == (7, 2, 45, 80)
    for clip in (scene.frames, scene.truth):
        assert clip.dtype == torch.float32
        assert 0 <= clip.min() < clip.max() <= 1
    assert set(scene.mask.unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("camera", list(Camera))
def test_mask_contains_every_difference_and_little_else(scenes, camera):
    scene = scenes[camera]
    differs = ((scene.frames - scene.truth).abs().amax(1, keepdim=True) > 1 / 255).float()
    assert (scene.mask >= differs).all()
    assert (scene.mask <= max_pool2d(differs, 5, 1, 2)).all()
    assert 0.03 < scene.mask.mean() < 0.2


def test_same_options_give_the_same_shot_and_other_seeds_another():
    one, two, other = (_scene(Camera.LOCKED, seed, num_frames=2) for seed in (3, 3, 4))
    assert torch.equal(one.frames, two.frames)
    assert (one.truth - other.truth).abs().mean() > 0.02


def test_a_locked_camera_changes_light_and_grain_only(scenes):
    truth = scenes[Camera.LOCKED].truth
    grey = truth.mean(1)
    relit = grey[4] * (grey[0].mean() / grey[4].mean())
    assert (relit - grey[0]).abs().mean() < 0.02
    assert scenes[Camera.LOCKED].flow.abs().max() < 1e-5


@pytest.mark.parametrize(
    "camera", [pytest.param(Camera.PLANAR, marks=pytest.mark.slow), Camera.PARALLAX]
)
def test_flow_warps_each_frame_to_the_next(camera):
    scene = _scene(camera, num_frames=6, height=90, width=160)
    height, width = 90, 160
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    ahead = torch.stack([x, y]) + scene.flow[2]
    grid = torch.stack([2 * ahead[0] / width - 1, 2 * ahead[1] / height - 1], -1)
    warped = grid_sample(scene.truth[3:4], grid[None], align_corners=False)[0]
    inside = (grid.abs() < 0.98).all(-1)
    error = (warped - scene.truth[2]).abs().mean(0)
    still = (scene.truth[3] - scene.truth[2]).abs().mean(0)
    assert (error[inside] < 0.06).float().mean() > 0.85
    assert error[inside].mean() < 0.8 * still[inside].mean()


def test_near_layers_move_more_than_far_ones():
    flow = _scene(Camera.PARALLAX, num_frames=4).flow[1, 0].abs()
    assert flow[-1].mean() > 3 * flow[0].mean()


def test_the_background_comes_into_view_behind_the_vehicle():
    mask = _scene(Camera.LOCKED, num_frames=24, height=45, width=80).mask
    hidden = mask[12] > 0
    seen = (mask == 0).any(0)
    assert (hidden & seen).sum() >= 0.9 * hidden.sum()


@pytest.mark.parametrize(("height", "width"), [(33, 51), (16, 16), (72, 128)])
def test_odd_and_tiny_sizes_work(height, width):
    scene = render_scene(SceneOptions(num_frames=2, height=height, width=width))
    assert scene.frames.shape == (2, 3, height, width)
    assert torch.isfinite(scene.frames).all()


@pytest.mark.parametrize(
    "wrong", [{"num_frames": 0}, {"height": 8}, {"width": 10**5}, {"seed": -1}]
)
def test_wrong_options_are_refused_in_one_sentence(wrong):
    with pytest.raises(OptionError, match=r"^Expected [^.]*\.$"):
        SceneOptions(**wrong)
