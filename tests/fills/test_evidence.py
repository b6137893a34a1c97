from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lgtsm.box import Box
from lgtsm.fills.evidence import (
    GRID_PX,
    SURROUND_PX,
    Evidence,
    evidence_crop,
    gather_evidence,
    join_evidence,
)
from lgtsm.fills.smooth import smooth_fill
from lgtsm.models.refine import clip_evidence
from lgtsm.models.spec import REFINE_INPUTS

properties = settings(max_examples=25, deadline=None)
ALL = (99, 99)


def _moving_box(num_frames, size):
    holes = torch.zeros(num_frames, 1, *size)
    for t in range(num_frames):
        holes[t, :, 12:28, 4 + 8 * t : 16 + 8 * t] = 1
    return holes


@properties
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    num_frames=st.integers(1, 4),
    share=st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    seed=st.integers(0, 1000),
)
def test_any_clip_gives_bounded_evidence_and_keeps_known_pixels(size, num_frames, share, seed):
    rng = torch.Generator().manual_seed(seed)
    frames = torch.rand(num_frames, 3, *size, generator=rng)
    holes = (torch.rand(num_frames, 1, *size, generator=rng) < share).float()
    evidence = clip_evidence(frames, holes, ALL)
    known = holes.expand_as(frames) == 0
    for name in ("fill", "smooth", "nearest", "best"):
        value = getattr(evidence, name)
        assert value.shape == frames.shape, name
        assert value.min() >= -1e-5, name
        assert value.max() <= 1 + 1e-5, name
    for name in ("fill", "smooth", "best"):
        assert torch.equal(getattr(evidence, name)[known], frames[known]), name
    for name in ("confidence", "error"):
        value = getattr(evidence, name)
        assert value.shape == holes.shape, name
        assert not value[holes == 0].any(), name
        assert value.min() >= 0, name
        assert value.max() <= 1 + 1e-5, name
    assert evidence.stack(holes).shape == (num_frames, REFINE_INPUTS, *size)


def test_locked_off_clip_with_a_moving_hole_is_recovered(toy_clip):
    still = toy_clip[:1].expand(6, -1, -1, -1)
    holes = _moving_box(6, still.shape[-2:])
    evidence = clip_evidence(still, holes, ALL)
    assert (evidence.fill - still).abs().max() < 1 / 255
    assert torch.equal(evidence.best, still)
    assert torch.equal(evidence.nearest, still)
    assert evidence.confidence[holes > 0].min() > 0.9


def test_copies_beat_the_smooth_fill_on_texture(rng):
    still = torch.rand(1, 3, 48, 64, generator=rng).expand(5, -1, -1, -1)
    holes = _moving_box(5, (48, 64))
    evidence = clip_evidence(still, holes, ALL)
    assert (evidence.fill - still).abs().max() < 1 / 255
    assert (evidence.smooth - still).abs().max() > 0.3


def test_copies_that_do_not_fit_are_not_believed(rng):
    frames = torch.rand(5, 3, 48, 64, generator=rng)  # no two frames alike
    frames[2] = 0.5
    holes = _moving_box(5, (48, 64))
    evidence = clip_evidence(frames, holes, ALL)
    assert (evidence.fill[2] - 0.5).abs().max() < 0.01
    assert evidence.confidence[2].max() < 0.05


def test_static_hole_gives_the_smooth_fill(toy_clip):
    holes = torch.zeros(8, 1, 48, 64)
    holes[..., 10:30, 20:44] = 1
    evidence = clip_evidence(toy_clip, holes, ALL)
    smooth = smooth_fill(toy_clip, holes)
    torch.testing.assert_close(evidence.fill, smooth, atol=1e-6, rtol=0)
    assert not evidence.confidence.any()


def test_nearest_frame_in_time_wins_and_the_later_one_of_two(toy_clip):
    frames = torch.stack([torch.full((3, 20, 20), 0.1 * t) for t in range(5)])
    holes = torch.zeros(5, 1, 20, 20)
    holes[2, :, 5:15, 5:15] = 1
    at = (2, slice(None), 10, 10)
    assert clip_evidence(frames, holes, ALL).nearest[at].allclose(torch.tensor(0.3))
    holes[3] = 1
    assert clip_evidence(frames, holes, ALL).nearest[at].allclose(torch.tensor(0.1))
    holes[1] = 1
    assert clip_evidence(frames, holes, ALL).nearest[at].allclose(torch.tensor(0.4))


def test_known_pixels_show_how_well_a_copy_fits(toy_clip):
    holes = torch.zeros(8, 1, 48, 64)
    evidence = clip_evidence(toy_clip, holes, (1, 1))
    assert torch.equal(evidence.nearest[0], toy_clip[1])
    assert torch.equal(evidence.fill, toy_clip)


def test_references_limit_the_reach(toy_clip, toy_holes):
    near = clip_evidence(toy_clip, toy_holes, (2, 0))
    other = toy_clip.clone()
    other[4:] = 0.5
    again = clip_evidence(other, toy_holes, (2, 0))
    for name, value in vars(near).items():
        assert torch.equal(value[:4], getattr(again, name)[:4]), name


@pytest.mark.parametrize(
    ("rows", "columns", "part"),
    [
        ((100, 130), (150, 190), Box(32, 80, 208, 256)),
        ((100, 130), (150, 190), Box(16, 0, 240, 320)),
        ((0, 9), (300, 320), Box(0, 224, 96, 320)),
        ((230, 240), (3, 40), Box(160, 0, 240, 112)),
    ],
)
def test_evidence_in_the_hole_does_not_depend_on_the_crop(rows, columns, part, rng):
    size = (240, 320)
    frames = torch.rand(4, 3, *size, generator=rng)
    holes = (torch.rand(4, 1, *size, generator=rng) < 0.3).float()
    hole = torch.zeros(1, 1, *size)
    hole[..., slice(*rows), slice(*columns)] = 1
    offsets = (-2, -1, 1)
    cut = (..., *part.within(Box(0, 0, *size)))
    crop = evidence_crop(hole)
    assert crop == crop & part, "the part must hold the crop"

    whole = gather_evidence(frames[:1], hole, frames[1:], holes[1:], offsets)
    parts = (x[cut] for x in (frames[:1], hole, frames[1:], holes[1:]))
    alone = gather_evidence(*parts, offsets)
    for name, value in vars(alone).items():
        assert torch.equal(value, getattr(whole, name)[cut]), name


def test_pixels_beyond_the_crop_do_not_matter(rng):
    frames = torch.rand(3, 3, 240, 240, generator=rng)
    hole = torch.zeros(1, 1, 240, 240)
    hole[..., 20:40, 20:40] = 1
    before = gather_evidence(frames[:1], hole, frames[1:], torch.zeros(2, 1, 240, 240), (1, 2))
    crop = evidence_crop(hole)
    frames[..., crop.bottom :, :] = 0
    after = gather_evidence(frames[:1], hole, frames[1:], torch.zeros(2, 1, 240, 240), (1, 2))
    inside = hole.expand_as(before.fill) > 0
    assert torch.equal(before.fill[inside], after.fill[inside])


def test_crop_surrounds_the_hole_on_the_grid():
    hole = torch.zeros(1, 1, 300, 400)
    assert evidence_crop(hole) is None
    hole[..., 120:130, 200:230] = 1
    crop = evidence_crop(hole)
    assert (crop.top, crop.left) == (48, 128)
    assert (crop.bottom, crop.right) == (208, 304)
    assert crop.top <= 120 - SURROUND_PX
    assert all(edge % GRID_PX == 0 for edge in vars(crop).values())


@pytest.mark.parametrize("value", [0.0, 1.0, 7.5])
def test_values_under_holes_are_ignored(value, rng):
    frames = torch.rand(4, 3, 32, 40, generator=rng)
    holes = (torch.rand(4, 1, 32, 40, generator=rng) < 0.3).float()
    spoilt = torch.where(holes > 0, torch.full_like(frames, value), frames)
    plain, other = clip_evidence(frames, holes, ALL), clip_evidence(spoilt, holes, ALL)
    for name in vars(plain):
        assert torch.equal(getattr(plain, name), getattr(other, name)), name


def test_order_of_the_references_does_not_matter(toy_clip, toy_holes):
    offsets = [-3, -2, -1, 1, 2]
    order = [4, 0, 2, 1, 3]
    others = [3 + o for o in offsets]
    args = (toy_clip[3:4], toy_holes[3:4])
    one = gather_evidence(*args, toy_clip[others], toy_holes[others], offsets)
    mixed = [others[i] for i in order]
    two = gather_evidence(*args, toy_clip[mixed], toy_holes[mixed], [offsets[i] for i in order])
    for name, value in vars(one).items():
        assert torch.equal(value, getattr(two, name)), name


def test_joined_evidence_is_cropped_everywhere(toy_clip, toy_holes):
    evidence = join_evidence([clip_evidence(toy_clip[:3], toy_holes[:3], ALL)] * 2)
    part = evidence.crop(slice(4, 20), slice(8, 40))
    assert isinstance(part, Evidence)
    assert part.fill.shape == (6, 3, 16, 32)
    assert part.error.shape == (6, 1, 16, 32)
    assert torch.equal(part.best, evidence.best[..., 4:20, 8:40])
