from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import interpolate

from lgtsm.box import Box
from lgtsm.copying.blending import SOURCES, blend_frame, gather_fills
from lgtsm.copying.clip import clip_candidates
from lgtsm.copying.shot import GRID_PX, SURROUND_PX, Shot, find_hole
from lgtsm.copying.source_frames import Search
from lgtsm.copying.temporal_smoothing import smooth_in_time
from lgtsm.errors import DeviceError
from lgtsm.fills.candidate_fill import CandidateFill, join_candidates
from lgtsm.fills.smooth import smooth_fill
from lgtsm.models.spec import REFINE_INPUTS
from lgtsm.neighbour_options import LEARNED
from lgtsm.options import FlowMethod, Motion

properties = settings(max_examples=20, deadline=None)
ALL = (99, 99)


def _moving_box(num_frames, size):
    holes = torch.zeros(num_frames, 1, *size)
    for t in range(num_frames):
        holes[t, :, 24:44, 8 + 12 * t : 28 + 12 * t] = 1
    return holes


@pytest.fixture
def panned(rng: torch.Generator) -> Callable[..., torch.Tensor]:
    """panned(num_frames, step) -> (T,3,72,112): a window that moves over a textured picture."""
    small = [torch.rand(1, 3, 6 * n, 12 * n, generator=rng) for n in (1, 2, 4)]
    layers = [interpolate(x, size=(96, 260), mode="bicubic") for x in small]
    picture = (sum(layers) / len(layers)).clamp(0, 1)

    def pan(num_frames: int, step: int) -> torch.Tensor:
        return torch.cat([picture[..., 8:80, step * t : step * t + 112] for t in range(num_frames)])

    return pan


@properties
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    num_frames=st.integers(1, 4),
    share=st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    seed=st.integers(0, 1000),
)
def test_any_clip_gives_bounded_candidates_and_keeps_known_pixels(size, num_frames, share, seed):
    rng = torch.Generator().manual_seed(seed)
    frames = torch.rand(num_frames, 3, *size, generator=rng)
    holes = (torch.rand(num_frames, 1, *size, generator=rng) < share).float()
    candidate = clip_candidates(frames, holes, ALL, 8)
    known = holes.expand_as(frames) == 0
    for name in ("fill", "plain", "smooth", "copied", "best"):
        value = getattr(candidate, name)
        assert value.shape == frames.shape, name
        assert value.min() >= -1e-5, name
        assert value.max() <= 1 + 1e-5, name
    for name in ("fill", "plain", "smooth", "best"):
        assert torch.equal(getattr(candidate, name)[known], frames[known]), name
    for name in ("confidence", "error"):
        value = getattr(candidate, name)
        assert value.shape == holes.shape, name
        assert not value[holes == 0].any(), name
        assert value.min() >= 0, name
        assert value.max() <= 1 + 1e-5, name
    assert candidate.stack(holes).shape == (num_frames, REFINE_INPUTS, *size)


@pytest.mark.parametrize("motion", [m for m in Motion if m.value not in LEARNED])
def test_locked_off_clip_with_a_moving_hole_is_recovered(panned, motion):
    still = panned(1, 0).expand(6, -1, -1, -1)
    holes = _moving_box(6, still.shape[-2:])
    candidate = clip_candidates(still, holes, ALL, 8, motion)
    assert (candidate.fill - still).abs().max() < 4 / 255
    assert candidate.confidence[holes > 0].mean() > 0.9


@pytest.mark.parametrize("motion", [Motion.AUTO, Motion.PLANAR, Motion.FLOW])
def test_a_panning_camera_is_followed(panned, motion):
    frames = panned(6, 3)
    holes = _moving_box(6, frames.shape[-2:])
    hidden = holes.expand_as(frames) > 0
    candidate = clip_candidates(frames * (1 - holes), holes, ALL, 8, motion)
    error = (candidate.fill - frames)[hidden].square().mean().sqrt()
    wrong = (candidate.smooth - frames)[hidden].square().mean().sqrt()
    assert error < 0.25 * wrong


def test_without_motion_a_pan_is_not_copied_blindly(panned):
    frames = panned(6, 9)
    holes = _moving_box(6, frames.shape[-2:])
    candidate = clip_candidates(frames * (1 - holes), holes, ALL, 8, Motion.NONE)
    hidden = holes.expand_as(frames) > 0
    error = (candidate.fill - frames)[hidden].square().mean()
    assert error < 1.1 * (candidate.smooth - frames)[hidden].square().mean()


def test_copies_that_do_not_fit_get_no_weight(rng):
    frames = torch.rand(5, 3, 64, 96, generator=rng)  # no two frames alike
    frames[2] = 0.5
    holes = _moving_box(5, (64, 96))
    candidate = clip_candidates(frames, holes, ALL, 8)
    assert (candidate.fill[2] - 0.5).abs().mean() < 0.02
    assert candidate.confidence[2].mean() < 0.1


def test_a_hole_that_no_frame_shows_gets_the_smooth_fill(toy_clip):
    holes = torch.zeros(8, 1, 48, 64)
    holes[..., 10:30, 20:44] = 1
    still = toy_clip[:1].expand(8, -1, -1, -1)
    candidate = clip_candidates(still, holes, ALL, 8, Motion.NONE)
    torch.testing.assert_close(candidate.plain, smooth_fill(still, holes), atol=1e-5, rtol=0)
    assert not candidate.confidence.any()


def test_fills_are_steady_where_nothing_is_sure(rng):
    frames = 0.5 + 0.2 * torch.rand(6, 3, 64, 96, generator=rng)
    holes = torch.zeros(6, 1, 64, 96)
    holes[..., 20:44, 30:66] = 1
    shot = Shot(frames.shape[-2:], torch.device("cpu"), Search.of(Motion.AUTO, ALL, 8))
    for frame, hole in zip(frames, holes, strict=True):
        shot.push(frame[None], hole[None])
    search = Search.of(Motion.AUTO, ALL, 8)
    alone = [blend_frame(shot, t, search) for t in range(6)]
    steady = [smooth_in_time(shot, t, search, alone.__getitem__) for t in range(6)]
    hidden = (holes[0, :, 20:44, 30:66] > 0).expand(3, -1, -1)

    def restless(rows):
        within = [Box(20, 30, 44, 66).within(w.box) for w in rows]
        parts = [w.candidate.fill[(0, slice(None), *x)] for w, x in zip(rows, within, strict=True)]
        return sum(float((a - b)[hidden].square().mean()) for a, b in itertools.pairwise(parts))

    assert restless(steady) < 0.7 * restless(alone)


def test_exposure_is_matched(panned):
    still = panned(1, 0).expand(6, -1, -1, -1)
    light = 1 - 0.06 * torch.arange(6.0)[:, None, None, None] / 5
    holes = _moving_box(6, still.shape[-2:])
    truth = still * light
    candidate = clip_candidates(truth * (1 - holes), holes, ALL, 8, Motion.NONE)
    hidden = holes.expand_as(truth) > 0
    assert (candidate.fill - truth)[hidden].abs().mean() < 1.5 / 255


def test_opencvs_flow_serves_where_it_is_asked_for(panned):
    pytest.importorskip("cv2")
    frames = panned(5, 3)
    holes = _moving_box(5, frames.shape[-2:])
    search = Search.of(Motion.FLOW, ALL, 8, FlowMethod.DIS)
    shot = Shot(frames.shape[-2:], torch.device("cpu"), search)
    for frame, hole in zip(frames, holes, strict=True):
        shot.push((frame * (1 - hole))[None], hole[None])
    blended = blend_frame(shot, 2, search)
    truth = frames[2, :, blended.box.rows, blended.box.columns]
    hidden = holes[2, :, blended.box.rows, blended.box.columns].expand(3, -1, -1) > 0
    error = (blended.candidate.fill[0] - truth)[hidden].square().mean().sqrt()
    wrong = (blended.candidate.smooth[0] - truth)[hidden].square().mean().sqrt()
    assert error < 0.4 * wrong


def test_a_flow_that_is_not_installed_raises_one_sentence():
    if importlib.util.find_spec("torchvision") is not None:
        pytest.skip("torchvision is installed")
    search = Search.of(Motion.FLOW, ALL, 8, FlowMethod.RAFT)
    with pytest.raises(DeviceError, match="torchvision"):
        Shot((64, 64), torch.device("cpu"), search)


@pytest.mark.slow
@pytest.mark.parametrize("with_sources", [False, True])
def test_frames_gathered_together_equal_each_alone(panned, with_sources):
    frames = panned(6, 3)
    holes = _moving_box(6, frames.shape[-2:])
    holes[4, :, 10:60] = holes[4, :, 24:25]  # another size, so another number of pixels
    search = Search.of(Motion.AUTO, ALL, 8)
    shot = Shot(frames.shape[-2:], torch.device("cpu"), search)
    for frame, hole in zip(frames, holes, strict=True):
        shot.push((frame * (1 - hole))[None], hole[None])
    together = gather_fills(shot, range(6), search, with_sources=with_sources)
    assert sorted(together) == list(range(6))
    for t, found in together.items():
        alone = gather_fills(shot, [t], search, with_sources=with_sources)[t]
        assert found.box == alone.box
        for name, value in vars(found.blend).items():
            torch.testing.assert_close(value, getattr(alone.blend, name), atol=1e-5, rtol=0)
        for (kind, one), (other_kind, other) in zip(found.sources, alone.sources, strict=True):
            assert kind == other_kind
            torch.testing.assert_close(one.coords, other.coords, atol=1e-3, rtol=0)
            torch.testing.assert_close(one.weights, other.weights, atol=1e-4, rtol=0)


def test_only_frames_of_the_window_count(toy_clip, toy_holes):
    one = clip_candidates(toy_clip, toy_holes, (2, 0), 8)
    other = toy_clip.clone()
    other[4:] = 0.5
    again = clip_candidates(other, toy_holes, (2, 0), 8)
    for name, value in vars(one).items():
        assert torch.equal(value[:4], getattr(again, name)[:4]), name


def test_part_of_a_clip_equals_that_of_the_whole(toy_clip, toy_holes):
    whole = clip_candidates(toy_clip, toy_holes, ALL, 8)
    some = clip_candidates(toy_clip, toy_holes, ALL, 8, only=range(2, 5))
    for name, value in vars(whole).items():
        assert torch.equal(value[2:5], getattr(some, name)), name


def test_holes_contents_do_not_matter(toy_clip, toy_holes, rng):
    rubbish = torch.rand(toy_clip.shape, generator=rng)
    other = torch.where(toy_holes > 0, rubbish, toy_clip)
    one, two = (clip_candidates(x, toy_holes, ALL, 8) for x in (toy_clip, other))
    for name in ("fill", "plain", "smooth", "copied", "best", "error", "confidence"):
        hidden = toy_holes.expand_as(getattr(one, name)) > 0
        assert torch.equal(getattr(one, name)[hidden], getattr(two, name)[hidden]), name


def test_source_fractions_tell_where_the_pixels_are_from(panned):
    frames = panned(6, 3)
    holes = _moving_box(6, frames.shape[-2:])
    shot = Shot(frames.shape[-2:], torch.device("cpu"), Search.of(Motion.AUTO, ALL, 8))
    for frame, hole in zip(frames, holes, strict=True):
        shot.push(frame[None], hole[None])
    fractions = blend_frame(shot, 2, Search.of(Motion.AUTO, ALL, 8)).source_fractions
    found = dict(zip(SOURCES, fractions, strict=True))
    assert found.pop("unseen") < 0.2
    assert abs(sum(found.values()) - 1) < 1e-4
    assert found["planar"] + found["flow"] > 0.8


@pytest.mark.parametrize(
    ("rows", "columns"), [((100, 130), (150, 190)), ((0, 9), (300, 320)), ((170, 180), (0, 4))]
)
def test_context_contains_the_surroundings_and_is_on_the_grid(rows, columns):
    hole = torch.zeros(1, 180, 320)
    hole[:, slice(*rows), slice(*columns)] = 1
    context = find_hole(hole).context
    assert context.top <= max(0, rows[0] - SURROUND_PX)
    assert context.left <= max(0, columns[0] - SURROUND_PX)
    assert not context.top % GRID_PX
    assert not context.left % GRID_PX
    assert context.bottom >= min(180, rows[1] + SURROUND_PX)
    assert context.right >= min(320, columns[1] + SURROUND_PX)
    assert context & Box(0, 0, 180, 320) == context


def test_contexts_of_a_moving_hole_have_one_size_wherever_it_is():
    sizes = set()
    for left in range(0, 400, 13):
        hole = torch.zeros(1, 240, 432)
        hole[:, left // 3 : left // 3 + 30, left : left + 30] = 1
        context = find_hole(hole).context
        sizes.add((context.height, context.width))
    assert sizes == {(128, 128)}


def test_no_hole_has_no_context():
    assert find_hole(torch.zeros(1, 180, 320)) is None


def test_joined_candidates_stack_frames(toy_clip, toy_holes):
    one = clip_candidates(toy_clip[:3], toy_holes[:3], ALL, 8)
    joined = join_candidates([one, one])
    assert isinstance(joined, CandidateFill)
    assert all(len(value) == 6 for value in vars(joined).values())


def test_frames_with_holes_of_many_sizes_are_blended_as_each_would_be_alone(rng):
    picture = torch.nn.functional.interpolate(
        torch.rand(1, 3, 32, 80, generator=rng), scale_factor=2, mode="bicubic"
    ).clamp(0, 1)
    search = Search.of(Motion.AUTO, (5, 5), 8)
    shot = Shot((64, 96), torch.device("cpu"), search)
    for t in range(24):
        hole = torch.zeros(1, 1, 64, 96)
        hole[..., 4:12, 3 * t % 80 : 3 * t % 80 + 9] = 1
        hole[..., 24 : 52 - t % 5, 70 - 2 * t : 94 - 2 * t] = 1
        shot.push(picture[..., 2 * t : 2 * t + 96], hole)
    with torch.inference_mode():
        for group in ([8, 9, 10, 11], [11, 12, 13, 14]):
            together = gather_fills(shot, group, search)
            for t in group:
                alone = gather_fills(shot, [t], search)[t].blend
                for name, value in vars(alone).items():
                    assert torch.equal(value, getattr(together[t].blend, name)), (group, t, name)
