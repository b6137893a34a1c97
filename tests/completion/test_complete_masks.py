"""What is added to masks, and what is not."""

from __future__ import annotations

import pytest
import torch

import lgtsm
from lgtsm.completion.kinds import parse_additions
from lgtsm.errors import Cancelled, OptionError, ShapeError
from lgtsm.masks.morph import grow, shrink
from tests.completion.conftest import COUNT, DARKER, SIDE, STEP, TOP, Shot, texture

SHADOW, RIM = lgtsm.Addition.SHADOW, lgtsm.Addition.RIM


def overlap(found, true):
    return float((found * true).sum() / found.maximum(true).sum())


@pytest.fixture(scope="module")
def completed(shot):
    return lgtsm.complete_masks(shot.frames, shot.object)


@pytest.mark.slow
def test_a_shadow_that_goes_with_the_object_is_added(shot, completed):
    assert overlap(completed.added[SHADOW], shot.shadow) > 0.75
    assert completed.added[RIM].mean() < 0.002
    assert not (completed.masks * (1 - grow(shot.object.maximum(shot.shadow), 3))).any()
    assert completed.notes[0].startswith("the object reaches outside the mask: shadow, ")


def test_the_mask_stays_in_the_result_and_the_parts_add_up(shot, completed):
    whole = shot.object + completed.added[SHADOW] + completed.added[RIM]
    assert torch.equal(whole, completed.masks)
    assert set(completed.masks.unique().tolist()) == {0.0, 1.0}
    assert not (completed.perhaps * completed.masks).any()


@pytest.mark.slow
def test_only_what_is_asked_for_is_added(shot):
    found = lgtsm.complete_masks(shot.frames, shot.object, [RIM])
    assert found.added.keys() == {RIM}
    assert found.masks.sum() < 1.02 * shot.object.sum()


@pytest.mark.slow
def test_nothing_is_added_where_nothing_is_missing(shot):
    bare = torch.where(shot.object > 0, shot.frames, shot.ground)
    found = lgtsm.complete_masks(bare, shot.object)
    assert torch.equal(found.masks, shot.object)
    assert found.notes == []


@pytest.mark.slow
def test_a_forgotten_rim_is_added(shot):
    bare = torch.where(shot.object > 0, shot.frames, shot.ground)
    less = shrink(shot.object, 4)
    found = lgtsm.complete_masks(bare, less)
    assert float((found.masks * shot.object).sum() / shot.object.sum()) > 0.9
    assert not (found.masks * (1 - grow(shot.object, 1))).any()
    assert float(less.sum() / shot.object.sum()) < 0.5


@pytest.mark.slow
def test_a_neighbour_that_goes_its_own_way_is_left_alone(shot):
    frames = torch.where(shot.object > 0, shot.frames, shot.ground)
    other = texture(20, 20, 3, (0.1, 0.1, 0.9))
    neighbour = torch.zeros_like(shot.object)
    for t in range(COUNT):  # meets the object below it, coming from the other side
        left = 12 + STEP * (COUNT - 1 - t)
        frames[t, :, TOP + SIDE + 1 : TOP + SIDE + 21, left : left + 20] = other
        neighbour[t, :, TOP + SIDE + 1 : TOP + SIDE + 21, left : left + 20] = 1
    found = lgtsm.complete_masks(frames, shot.object)
    assert (found.masks * neighbour).sum() < 0.02 * neighbour.sum()


def test_what_no_other_frame_shows_is_not_judged(shot):
    still = shot.frames[:1].repeat(6, 1, 1, 1)
    masks = shot.object[:1]
    found = lgtsm.complete_masks(still, masks)
    assert torch.equal(found.masks, masks.expand(6, -1, -1, -1))


@pytest.mark.slow
def test_shots_are_judged_alone_and_empty_masks_stay_empty(shot):
    frames = torch.cat([shot.frames, 1 - shot.ground.flip(-1)])
    masks = torch.cat([shot.object, torch.zeros_like(shot.object)])
    both = lgtsm.complete_masks(frames, masks, cuts=[COUNT])
    alone = lgtsm.complete_masks(shot.frames, shot.object, cuts=())
    assert torch.equal(both.masks[:COUNT], alone.masks)
    assert not both.masks[COUNT:].any()


def test_inputs_stay(shot):
    frames, masks = shot.frames.half(), shot.object.bool()
    before = frames.clone(), masks.clone()
    lgtsm.complete_masks(frames[:3], masks[:3])
    assert torch.equal(frames, before[0])
    assert torch.equal(masks, before[1])


@pytest.mark.parametrize(
    ("frames", "masks", "words"),
    [
        (torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 8, 8), r"frames \(T,3,H,W\)"),
        (torch.zeros(2, 3, 8, 8), torch.zeros(3, 1, 8, 8), r"masks \(2 or 1,1,8,8\)"),
        (torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 9, 8), "resize them"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(frames, masks, words):
    with pytest.raises(
        ShapeError, match=rf"^Expected .*{words}.*; .*\.$|^Expected .*; {words}.*\.$"
    ):
        lgtsm.complete_masks(frames, masks)


def test_it_stops_when_asked(shot):
    with pytest.raises(Cancelled):
        lgtsm.complete_masks(shot.frames, shot.object, cancel=lambda: True)


def test_kinds_are_read_in_any_order_and_others_refused():
    assert parse_additions("rim, shadow") == (SHADOW, RIM)
    for text in ("", "shadows", "shadow,reflection"):
        with pytest.raises(OptionError, match=r"^Expected shadow, rim or shadow,rim .*\.$"):
            parse_additions(text)


@pytest.mark.slow
def test_a_shadow_that_covers_its_own_place_in_most_frames_is_added(shot):
    slow = _follow(shot, step=2)
    found = lgtsm.complete_masks(slow.frames, slow.object)
    assert overlap(found.added[SHADOW], slow.shadow) > 0.75
    assert not (found.masks * (1 - grow(slow.object.maximum(slow.shadow), 6))).any()


def _follow(shot, step):
    """Return a shot whose object goes slowly, so that its shadow hardly leaves the place where it was."""
    ground = shot.ground[:1].expand(COUNT, -1, -1, -1)
    frames, masks = ground.clone(), torch.zeros_like(shot.object)
    shadows = torch.zeros_like(masks)
    for t in range(COUNT):
        moved = step * t - STEP * (COUNT - 1)
        there = shot.object[-1].roll(moved, -1), shot.shadow[-1].roll(moved, -1)
        masks[t], shadows[t] = there
        dark = torch.where(shadows[t] > 0, DARKER * frames[t], frames[t])
        frames[t] = torch.where(masks[t] > 0, shot.frames[-1].roll(moved, -1), dark)
    return Shot(frames, masks, shadows, ground)
