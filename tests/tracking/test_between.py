"""What both walks between two painted frames share."""

from __future__ import annotations

import pytest
import torch

import lgtsm
from lgtsm.tracking import between
from lgtsm.tracking.between import Between
from lgtsm.tracking.confidence import overlap
from lgtsm.tracking.walker import Painted

LAST = 5


@pytest.fixture(scope="module")
def shared(moving):
    frames, masks = moving
    before, after = (Painted(frames[i], masks[i : i + 1]) for i in (0, LAST))
    return Between(before, after, frames[1:LAST])


def _inside(remembered, mask):
    """Return the share of the object's places, in half pixels, that a mask (1,H,W) holds."""
    columns, rows = (2 * remembered.positions[: remembered.objects]).long().T
    return float(
        mask[0, rows.clamp(0, mask.shape[1] - 1), columns.clamp(0, mask.shape[2] - 1)].mean()
    )


def test_places_of_the_painted_frame_ahead_are_on_the_object_all_the_way(shared, moving):
    _, masks = moving
    onward, back = shared.path(onward=True), shared.path(onward=False)
    for step in range(1, LAST):
        assert _inside(onward.far(step), masks[step]) > 0.85
        assert _inside(back.far(step), masks[LAST - step]) > 0.85
    assert _inside(onward.far(1), masks[LAST]) < 0.6  # it has moved


def test_a_walk_back_meets_the_same_motion_the_other_way_round(shared):
    onward, back = shared.path(onward=True), shared.path(onward=False)
    for step in range(1, LAST + 1):
        there, again = onward.motion(step), back.motion(LAST + 1 - step)
        assert all(map(torch.equal, there, again[::-1]))
        assert onward.far_share(step) == pytest.approx(1 - back.far_share(LAST - step), abs=1e-6)


def test_motion_that_does_not_fit_into_memory_lies_in_a_file(shared, moving, monkeypatch):
    monkeypatch.setattr(between, "_IN_MEMORY", 1)
    frames, masks = moving
    before, after = (Painted(frames[i], masks[i : i + 1]) for i in (0, LAST))
    stored = Between(before, after, frames[1:LAST])
    for step in range(1, LAST + 1):
        one, other = (x.path(onward=True).motion(step) for x in (shared, stored))
        assert all(map(torch.equal, one, other))


def test_motion_is_measured_once_for_both_ways(moving, monkeypatch):
    frames, masks = moving
    measured = []
    motion = between.motion_between
    monkeypatch.setattr(between, "motion_between", lambda *a: measured.append(1) or motion(*a))
    monkeypatch.setattr(
        "lgtsm.tracking.propagate.motion_between", lambda *_: pytest.fail("measured again")
    )
    prompts = [lgtsm.Prompt(frame=i, mask=masks[i]) for i in (0, LAST)]
    track = lgtsm.track_mask(frames[: LAST + 1], prompts, cuts=())
    assert len(measured) == LAST
    assert min(overlap(*pair) for pair in zip(track.masks, masks[: LAST + 1], strict=True)) > 0.9
