"""Shadows beside a hole are told from dark things that run into it."""

import pytest
import torch

from lgtsm.api import inpaint_clip
from lgtsm.copying.fringe import dark_fringe
from lgtsm.copying.key_frame import KeyFrame, Warped
from lgtsm.copying.key_frames import _MOST, KeyFrames
from lgtsm.copying.plates import PlacedPlate
from lgtsm.options import InpaintOptions, Mode, RunOptions, Unseen


@pytest.fixture
def scene():
    """Bright ground with a hole."""
    picture, hole = torch.full((1, 3, 80, 112), 0.6), torch.zeros(1, 1, 80, 112)
    hole[..., 20:50, 40:80] = 1
    return picture, hole


def test_a_shadow_along_the_hole_is_found(scene):
    picture, hole = scene
    picture[..., 50:56, 36:84] = 0.2
    found = dark_fringe(picture, hole, 1 - hole)
    assert found[..., 51:55, 40:80].all()
    assert not found[..., :45, :].any()
    assert not found[..., 60:, :].any()


def test_a_dark_thing_that_runs_into_the_hole_is_none(scene):
    picture, hole = scene
    picture[..., 20:, 55:65] = 0.2
    assert not dark_fringe(picture, hole, 1 - hole).any()


def test_lines_and_slight_differences_are_none(scene):
    picture, hole = scene
    picture[..., 52, :] = 0.2
    picture[..., :20, :] = 0.55
    assert not dark_fringe(picture, hole, 1 - hole).any()


def test_nothing_is_found_where_nothing_lies_beyond(scene):
    picture, hole = scene
    assert not dark_fringe(picture, torch.ones_like(hole), 1 - hole).any()
    assert not dark_fringe(picture, torch.zeros_like(hole), torch.ones_like(hole)).any()


def test_a_shadow_left_out_of_the_mask_does_not_grow_into_the_hole(rng):
    ground = 0.6 + 0.05 * torch.rand(1, 3, 80, 112, generator=rng)
    frames, holes = ground.expand(4, -1, -1, -1).clone(), torch.zeros(4, 1, 80, 112)
    holes[..., 20:50, 40:80] = 1
    frames[..., 50:56, 38:82] = 0.15
    options = InpaintOptions(
        mode=Mode.COPY, feather=0, unseen=Unseen.AUTO, run=RunOptions(device="cpu")
    )
    result = inpaint_clip(frames, holes, None, options).frames
    assert result[..., 20:48, 40:80].min() > 0.5
    assert torch.equal(result[..., 50:, :], frames[..., 50:, :])


def test_the_key_frame_that_shows_least_gives_way():
    blank = torch.zeros(1, 3, 8, 8)
    keys = [
        KeyFrame.of(PlacedPlate(blank, t), blank[:, :1], blank[:, :2], blank[:, :1])
        for t in range(_MOST + 1)
    ]
    frames, areas = KeyFrames(), [9, 5, 2, 7, 4, 6]
    for key in keys[:_MOST]:
        frames._keep(key, [])
    warped = []
    for t, area in enumerate(areas):
        place = torch.zeros(1, 1, 8, 8)
        place.view(-1)[:area] = 1
        warped.append(Warped(t, blank, place, place, blank[:, :2]))
    frames._keep(keys[_MOST], warped)
    assert frames.numbers == (0, 1, 3, 4, 5, _MOST)
