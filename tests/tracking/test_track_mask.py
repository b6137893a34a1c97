"""From a painted frame to all masks."""

from __future__ import annotations

import pytest
import torch

import lgtsm
from lgtsm.errors import Cancelled, OptionError, ShapeError
from lgtsm.tracking import propagate
from lgtsm.tracking.prompts import Prompt


def overlap(found, true):
    return float((found * true).sum() / found.maximum(true).sum())


@pytest.mark.parametrize("painted", [5, *(pytest.param(n, marks=pytest.mark.slow) for n in (0, 9))])
def test_one_painted_frame_is_followed_both_ways(moving, painted):
    frames, masks = moving
    track = lgtsm.track_mask(frames, [Prompt(frame=painted, mask=masks[painted])])
    assert track.masks.shape == masks.shape
    assert set(track.masks.unique().tolist()) == {0.0, 1.0}
    assert min(overlap(*pair) for pair in zip(track.masks, masks, strict=True)) > 0.85
    assert torch.equal(track.masks[painted], masks[painted])
    assert track.confidence[painted] == 1
    assert track.notes == []


@pytest.mark.parametrize(
    ("prompt", "least"),
    [
        ({"box": (16, 26, 44, 44)}, 0.8),
        (
            {"points": ((38, 48), (28, 38), (48, 58)), "not_points": ((80, 20), (30, 85), (5, 50))},
            0.6,
        ),
    ],
    ids=["box", "points"],
)
def test_box_and_points_find_the_object(moving, prompt, least):
    frames, masks = moving
    track = lgtsm.track_mask(frames[:2], [Prompt(frame=0, **prompt)])
    assert overlap(track.masks[0], masks[0]) > least
    assert overlap(track.masks[1], masks[1]) > least


def test_a_painted_frame_wins_and_mends_its_neighbours(moving):
    frames, masks = moving
    wrong = torch.zeros_like(masks[0])
    wrong[:, 60:90, 120:150] = 1  # background
    alone = lgtsm.track_mask(frames, [Prompt(frame=0, mask=wrong)])
    mended = lgtsm.track_mask(
        frames, [Prompt(frame=0, mask=wrong), Prompt(frame=9, mask=masks[9])], cuts=()
    )
    assert torch.equal(mended.masks[9], masks[9])
    assert overlap(mended.masks[8], masks[8]) > 0.8 > overlap(alone.masks[8], masks[8])


def test_only_frames_next_to_a_changed_prompt_are_tracked_again(moving, monkeypatch):
    frames, masks = moving
    prompts = [Prompt(frame=i, mask=masks[i]) for i in (0, 4, 9)]
    kept = {}
    first = lgtsm.track_mask(frames, prompts, cuts=(), kept=kept)
    steps = []
    step = propagate.Walk.step
    monkeypatch.setattr(
        propagate.Walk, "step", lambda walk, look, ahead: steps.append(1) or step(walk, look, ahead)
    )
    again = lgtsm.track_mask(frames, prompts, cuts=(), kept=kept)
    assert not steps
    assert torch.equal(again.masks, first.masks)
    assert torch.equal(again.confidence, first.confidence)
    changed = [*prompts[:2], Prompt(frame=9, mask=masks[9].roll(1, 1))]
    track = lgtsm.track_mask(frames, changed, cuts=(), kept=kept)
    assert len(steps) == 2 * 4  # frames 5 to 8, from both sides
    assert torch.equal(track.masks[:5], first.masks[:5])


def test_nothing_is_tracked_across_a_cut(moving):
    frames, masks = moving
    track = lgtsm.track_mask(frames, [Prompt(frame=0, mask=masks[0])], cuts=[6])
    assert track.masks[5].any()
    assert not track.masks[6:].any()
    assert not track.confidence[6:].any()
    assert 6 <= track.repaint[0] < 10
    assert track.notes == [
        "no frame is painted between the cuts at 6 and 10: the mask is empty there"
    ]


def test_cuts_are_found(moving):
    frames, masks = moving
    other = 1 - frames[:4].flip(-1)
    track = lgtsm.track_mask(torch.cat([frames[:4], other]), [Prompt(frame=0, mask=masks[0])])
    assert track.masks[3].any()
    assert not track.masks[4:].any()


def test_an_object_that_is_gone_leaves_an_empty_mask_and_no_trust(moving, background):
    frames, masks = moving
    clip = torch.cat([frames[:5], background[5:]])
    track = lgtsm.track_mask(clip, [Prompt(frame=0, mask=masks[0])], cuts=())
    assert track.masks[4].any()
    assert not track.masks[-1].any()
    assert track.confidence[-1] < 0.5 < track.confidence[4]
    assert track.repaint[0] >= 5


def test_an_object_painted_as_absent_is_absent(moving):
    frames, masks = moving
    track = lgtsm.track_mask(frames[:3], [Prompt(frame=0, mask=torch.zeros_like(masks[0]))])
    assert not track.masks.any()
    assert "nothing is painted on frame 0" in track.notes[0]


def test_inverted_and_stretched_masks_are_understood(moving):
    frames, masks = moving
    small = torch.nn.functional.interpolate(1 - masks[:1], scale_factor=0.5)[0]
    track = lgtsm.track_mask(frames[:2], [Prompt(frame=0, mask=small)])
    assert overlap(track.masks[1], masks[1]) > 0.8
    assert [note.split(" on frame")[0] for note in track.notes] == ["the mask painted"] * 2


def test_a_clip_of_one_frame_and_odd_sizes_work(moving):
    frames, masks = moving
    for rows, columns in ((96, 160), (71, 53), (40, 20)):
        shot = frames[:2, :, 20 : 20 + rows, 10 : 10 + columns]
        true = masks[:2, :, 20 : 20 + rows, 10 : 10 + columns]
        for count in (1, 2):
            track = lgtsm.track_mask(shot[:count], [Prompt(frame=0, mask=true[0])])
            assert track.masks.shape == true[:count].shape


def test_inputs_stay_and_half_precision_is_taken(moving):
    frames, masks = moving
    given = frames[:3].half()
    before = given.clone()
    track = lgtsm.track_mask(given, [Prompt(frame=0, mask=masks[0].bool())])
    assert torch.equal(given, before)
    assert overlap(track.masks[2], masks[2]) > 0.85


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda m: [], "Expected a painted frame, got none"),
        (lambda m: [Prompt(frame=10, mask=m)], "on frames 0 to 9, got one on frame 10"),
        (lambda m: [Prompt(frame=1, mask=m)] * 2, "one prompt a frame, got two on frame 1"),
        (lambda m: [Prompt(frame=0, mask=torch.ones_like(m))], "covers 100% of the picture"),
        (lambda m: [Prompt(frame=0, box=(500, 0, 5, 5))], "a box inside 160x96"),
        (lambda m: [Prompt(frame=0, points=((160, 0),))], "points inside 160x96"),
    ],
)
def test_prompts_that_cannot_be_used_are_refused_in_a_sentence(moving, make, words):
    frames, masks = moving
    with pytest.raises(OptionError, match=r"^Expected .*; .*\.$") as error:
        lgtsm.track_mask(frames, make(masks[0]))
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"frame": -1, "box": (0, 0, 1, 1)}, OptionError),
        ({"frame": 0}, OptionError),
        ({"frame": 0, "box": (0, 0, 1, 1), "points": ((1, 1),)}, OptionError),
        ({"frame": 0, "box": (0, 0, 0, 1)}, OptionError),
        ({"frame": 0, "not_points": ((1, 1),)}, OptionError),
        ({"frame": 0, "mask": torch.zeros(3, 4, 4)}, ShapeError),
    ],
)
def test_prompts_that_say_nothing_clear_are_refused(settings, kind):
    with pytest.raises(kind, match=r"^Expected"):
        Prompt(**settings)


def test_frames_that_are_no_clip_are_refused(moving):
    frames, masks = moving
    with pytest.raises(ShapeError, match=r"frames \(T,3,H,W\)"):
        lgtsm.track_mask(frames[:, :1], [Prompt(frame=0, mask=masks[0])])


def test_it_stops_when_asked(moving):
    frames, masks = moving
    with pytest.raises(Cancelled):
        lgtsm.track_mask(frames, [Prompt(frame=0, mask=masks[0])], cancel=lambda: True)


def test_neighbouring_painted_frames_are_all_kept(moving):
    frames, masks = moving
    prompts = [Prompt(frame=number, mask=masks[number]) for number in (0, 1, 2)]
    track = lgtsm.track_mask(frames[:4], prompts, cuts=())
    assert len(track.masks) == len(track.confidence) == 4
    assert torch.equal(track.masks[:3], masks[:3])
