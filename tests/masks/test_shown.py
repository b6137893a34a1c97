"""Resizing, measuring and showing masks."""

from __future__ import annotations

import json

import pytest
import torch

from lgtsm.errors import OptionError, ShapeError
from lgtsm.masks.boxes import MaskBox, box_masks
from lgtsm.masks.coverage import coverage
from lgtsm.masks.morph import stretch
from lgtsm.masks.overlay import Paint, compare, labelled, mark_changes, overlay
from lgtsm.options import CompareAs


def _holes(*shares):
    clip = torch.zeros(len(shares), 1, 10, 10)
    for hole, share in zip(clip, shares, strict=True):
        hole.view(-1)[: round(100 * share)] = 1
    return clip


def test_coverage_reports_ratios_box_and_empty_frames():
    found = coverage(_holes(0.2, 0.0, 0.5))
    assert (found.mean, found.least, found.most) == pytest.approx((0.7 / 3, 0.0, 0.5))
    assert found.box == (0, 0, 10, 5)
    assert found.empty == (1,)
    assert json.loads(found.to_json())["frames"] == 3


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ((0.2, 0.0, 0.5), "close gaps"),
        ((0.0, 0.0), "nothing will be filled"),
        ((0.9, 1.0), "inverted"),
    ],
)
def test_coverage_warns_of_probable_mistakes(shares, says):
    [warning] = coverage(_holes(*shares)).warnings
    assert says in warning


@pytest.mark.parametrize("shares", [(0.2, 0.3), (0.0, 0.2, 0.2, 0.0)])
def test_coverage_has_no_warning_for_a_usual_mask(shares):
    assert coverage(_holes(*shares)).warnings == ()


@pytest.mark.parametrize("paint", Paint)
def test_overlay_changes_only_the_hole(paint, rng):
    frames = torch.rand(3, 3, 12, 20, generator=rng)
    holes = torch.zeros(1, 1, 12, 20)
    holes[..., 3:7, 4:9] = 1
    shown = overlay(frames, holes, paint)
    inside = (holes > 0).expand_as(frames)
    assert torch.equal(shown[~inside], frames[~inside])
    assert (shown[inside] != frames[inside]).float().mean() > 0.99
    assert shown.min() >= 0
    assert shown.max() <= 1


def test_changes_are_red_outside_and_green_inside(rng):
    before = torch.rand(1, 3, 4, 4, generator=rng)
    after, holes = before.clone(), torch.zeros(1, 1, 4, 4)
    holes[..., 0, 0] = 1
    after[..., 0, 0] = 1 - after[..., 0, 0]
    after[..., 2, 2] = 1 - after[..., 2, 2]
    shown = mark_changes(before, after, holes)[0]
    assert shown[1, 0, 0] > shown[0, 0, 0]
    assert shown[0, 2, 2] > shown[1, 2, 2]
    assert shown[0, 1, 1] == shown[1, 1, 1]


def test_before_and_after_stand_side_by_side(rng):
    before, after = torch.rand(2, 3, 3, 4, 6, generator=rng)
    shown = compare(before, after)
    assert torch.equal(shown[..., :6], before)
    assert torch.equal(shown[..., 6:], after)


def test_a_wipe_shows_both_and_its_line_crosses_the_picture_and_comes_back():
    before, after = torch.zeros(96, 3, 2, 64), torch.full((96, 3, 2, 64), 0.5)
    shown = compare(before, after, CompareAs.WIPE)
    assert shown.shape == before.shape
    repaired = (shown[:, 0, 0] == 0.5).sum(1)
    assert 28 <= repaired[0] <= 32
    assert [int(repaired[t]) for t in (24, 72)] == [63, 0]
    assert ((shown == 1).sum((1, 2, 3)) > 0).all()
    parts = [compare(before[:1], after[:1], CompareAs.WIPE, first=t)[0] for t in range(96)]
    assert torch.equal(torch.stack(parts), shown)


def test_the_mask_and_the_numbers_of_frames_are_shown_beside_the_result(rng, one_sentence):
    before, after = torch.rand(2, 3, 3, 32, 48, generator=rng)
    holes = torch.zeros(1, 1, 32, 48)
    holes[..., 20:30, 30:40] = 1
    shown = compare(before, after, CompareAs.MASK, holes=holes, start=40)
    assert torch.equal(shown[..., 48:], after)
    left, veiled = shown[..., :48], holes.expand(3, 3, -1, -1) > 0
    assert (left - overlay(before, holes))[veiled].abs().max() <= 0.5 / 255 + 1e-6
    assert torch.equal(left, labelled(overlay(before, holes), ["40", "41", "42"]))
    parts = [
        compare(before[t : t + 1], after[t : t + 1], CompareAs.MASK, holes=holes, first=t, start=40)
        for t in range(3)
    ]
    assert torch.equal(torch.cat(parts), shown)
    with pytest.raises(OptionError) as error:
        compare(before, after, CompareAs.MASK)
    one_sentence(error.value)


def test_clips_of_two_sizes_are_not_compared(one_sentence):
    with pytest.raises(ShapeError) as error:
        compare(torch.zeros(2, 3, 4, 4), torch.zeros(3, 3, 4, 4))
    one_sentence(error.value)


@pytest.mark.parametrize("size", [(5, 5), (31, 17), (5, 31)])
def test_stretched_masks_lose_no_hole_and_gain_no_grey_values(size):
    masks = torch.zeros(2, 1, 11, 13)
    masks[0, 0, 4, 6] = 1
    wide = stretch(masks, size)
    assert wide.shape == (2, 1, *size)
    assert set(wide.unique().tolist()) == {0.0, 1.0}
    assert wide[0].any()
    assert not wide[1].any()


def test_a_delayed_box_begins_and_ends_later():
    box = MaskBox.parse("0,0,2,2@1-3").delayed(2)
    shown = [bool(mask.any()) for mask, _ in zip(box_masks([box], 4, 4), range(6), strict=False)]
    assert shown == [False, False, False, True, True, False]
    assert MaskBox.parse("0,0,2,2").delayed(2).end is None


def test_labels_tell_frames_apart_and_cover_a_corner_only():
    frames = torch.full((2, 3, 120, 160), 0.6)
    shown = labelled(frames, ["8", "131"])
    changed = (shown != shown[:, :, -1:, -1:]).any(1)
    assert shown.shape == frames.shape
    assert torch.equal(frames, torch.full_like(frames, 0.6))
    assert changed[0].any()
    assert changed[1].sum() > changed[0].sum()
    assert not changed[:, 30:].any()
    assert not changed[:, :, 50:].any()
    assert (shown - 0.6).abs()[:, :, 30:].max() < 1 / 255
