"""Objects that are gone or covered for a while, and how sure the tracker is of a mask that leaks."""

from __future__ import annotations

import torch

import lgtsm
from lgtsm.scene.camera import Camera, SceneOptions
from lgtsm.scene.render import render_scene
from lgtsm.tracking.confidence import overlap
from lgtsm.tracking.features import look_at
from lgtsm.tracking.propagate import Walk
from lgtsm.tracking.repaint import ENOUGH


def _overlaps(found, true):
    return [overlap(*pair) for pair in zip(found, true, strict=True)]


def test_an_object_that_comes_back_is_found_again(moving, background):
    frames, masks = moving
    gone = [5, 6]
    clip, true = frames.clone(), masks.clone()
    clip[gone], true[gone] = background[gone], 0
    track = lgtsm.track_mask(clip, [lgtsm.Prompt(frame=0, mask=masks[0])], cuts=())
    assert not track.masks[6].any()
    assert min(_overlaps(track.masks[8:], true[8:])) > 0.7


def test_an_object_that_comes_back_elsewhere_is_found_there(moving, background):
    frames, masks = moving
    clip = torch.cat([frames[:4], background[4:7], frames[7:].flip(-2)])
    track = lgtsm.track_mask(clip, [lgtsm.Prompt(frame=0, mask=masks[0])], cuts=())
    assert overlap(track.masks[-1], masks[-1].flip(-2)) > 0.7


def test_nothing_is_found_where_nothing_looks_like_it(moving, background):
    frames, masks = moving
    clip = torch.cat([frames[:3], background[3:]])
    track = lgtsm.track_mask(clip, [lgtsm.Prompt(frame=0, mask=masks[0])], cuts=())
    assert not track.masks[5:].any()
    assert track.confidence[5:].max() < 0.5


def test_an_empty_mask_is_never_looked_for(moving):
    frames, _ = moving
    looks = [look_at(frame) for frame in frames[:2]]
    walk = Walk(looks[0], torch.zeros(1, 1, *frames.shape[2:]))
    assert not walk.step(looks[1]).probability.any()


def test_a_mask_that_leaks_onto_the_road_is_not_trusted():
    scene = render_scene(
        SceneOptions(seed=7, camera=Camera.PLANAR, num_frames=16, height=90, width=160)
    )
    prompt = lgtsm.Prompt(frame=0, mask=scene.mask[8])
    track = lgtsm.track_mask(scene.frames[8:], [prompt], cuts=())
    overlaps = _overlaps(track.masks, scene.mask[8:])
    assert overlaps[-1] < 0.6  # where it does not leak any more, this test needs another scene
    assert track.confidence[-1] < ENOUGH < track.confidence[1]
    assert track.repaint
