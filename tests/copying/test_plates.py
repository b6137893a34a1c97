from __future__ import annotations

import pytest
import torch
from torch.nn.functional import interpolate

from lgtsm import Plate, clean_plate
from lgtsm.api import inpaint
from lgtsm.engine.hooks import Hooks
from lgtsm.engine.run import Job
from lgtsm.errors import OptionError, ShapeError
from lgtsm.options import InpaintOptions, Mode, Motion, RunOptions
from lgtsm.report import Report


@pytest.fixture
def scene(rng):
    """Frames of a panning camera with a still hole, 2 px a frame: (10,3,72,112) and the holes."""
    small = [torch.rand(1, 3, 6 * n, 12 * n, generator=rng) for n in (1, 2, 4)]
    layers = [interpolate(x, size=(96, 260), mode="bicubic") for x in small]
    picture = (sum(layers) / len(layers)).clamp(0, 1)
    frames = torch.cat([picture[..., 8:80, 2 * t : 2 * t + 112] for t in range(10)])
    holes = torch.zeros(10, 1, 72, 112)
    holes[..., 20:50, 30:90] = 1
    return frames, holes


def _fill(frames, holes, plates, **changes):
    options = InpaintOptions(
        mode=Mode.COPY, feather=0, cuts=(), run=RunOptions(device="cpu"), **changes
    )
    return inpaint(frames * (1 - holes), holes, None, options, plates=plates)


def _error(result, frames, holes):
    hidden = holes.expand_as(frames) > 0
    return float((result - frames)[hidden].square().mean().sqrt())


def test_a_painted_frame_is_used_unchanged(scene):
    frames, holes = scene
    painted = frames[4].clone()
    painted[:, 25:45, 40:60] = torch.tensor([1.0, 0, 0])[:, None, None]
    result = _fill(frames, holes, [Plate(painted, 4)])
    assert torch.equal(
        result[4][holes[4].expand(3, -1, -1) > 0], painted[holes[4].expand(3, -1, -1) > 0]
    )


@pytest.mark.slow
def test_a_painted_frame_is_carried_through_the_shot(scene):
    frames, holes = scene
    alone = _error(_fill(frames, holes, []), frames, holes)
    helped = _error(_fill(frames, holes, [Plate(frames[4], 4)]), frames, holes)
    assert helped < 0.4 * alone
    assert helped < 0.03


@pytest.mark.parametrize(
    "change",
    [
        "exposure",
        pytest.param("none", marks=pytest.mark.slow),
        pytest.param("size", marks=pytest.mark.slow),
    ],
)
def test_a_clean_plate_without_a_number_is_found_by_its_content(scene, change):
    frames, holes = scene
    plate = frames[0]
    if change == "exposure":
        plate = plate * 0.92
    if change == "size":
        plate = interpolate(plate[None], scale_factor=2, mode="bicubic")[0].clamp(0, 1)
    helped = _error(_fill(frames, holes, [Plate(plate)]), frames, holes)
    assert helped < 0.04


@pytest.mark.slow
def test_a_plate_of_another_scene_is_left_out(scene, rng):
    frames, holes = scene
    frames, holes = frames[:5], holes[:5]
    other = torch.rand(3, 72, 112, generator=rng)
    with_it = _fill(frames, holes, [Plate(other)])
    torch.testing.assert_close(with_it, _fill(frames, holes, []))


def test_a_picture_of_another_shape_is_refused(scene):
    frames, holes = scene
    with pytest.raises(ShapeError, match="framed as the clip"):
        _fill(frames, holes, [Plate(torch.zeros(3, 72, 72))])
    with pytest.raises(ShapeError, match="Expected a plate"):
        _fill(frames, holes, [Plate(torch.zeros(72, 112))])


def test_clean_plate_copies_what_others_show_and_reports_the_rest(scene):
    frames, holes = scene
    moving = torch.zeros_like(holes)
    for t in range(10):
        moving[t, :, 20:50, 4 + 9 * t : 24 + 9 * t] = 1
    plate = clean_plate(zip(frames * (1 - moving), moving, strict=True), 5)
    hidden = moving[5].expand(3, -1, -1) > 0
    assert torch.equal(plate.picture[~hidden], (frames * (1 - moving))[5][~hidden])
    assert (plate.picture - frames[5])[hidden].square().mean().sqrt() < 0.03
    assert not plate.missing.any()
    alone = clean_plate([(frames[0], holes[0])], 0)
    assert torch.equal(alone.missing, holes[0])
    assert not alone.confidence[holes[0] > 0].any()


def test_clean_plate_of_a_frame_beyond_the_clip_is_refused(scene):
    frames, holes = scene
    with pytest.raises(OptionError, match="below 10"):
        clean_plate(zip(frames, holes, strict=True), 10)


def test_without_motion_a_locked_plate_serves(scene):
    frames, holes = scene
    still = frames[:1].expand(10, -1, -1, -1)
    result = _fill(still, holes, [Plate(frames[0])], motion=Motion.NONE)
    assert _error(result, still, holes) < 0.01


@pytest.mark.parametrize(("frame", "resume_from"), [(-5, 0), (1, 8)])
def test_a_plate_before_the_computed_range_is_placed_by_its_content(scene, frame, resume_from):
    still = scene[0][:1]
    frames = still.expand(14, -1, -1, -1)
    holes = torch.zeros(14, 1, *still.shape[-2:])
    holes[:, :, 30:50, 40:70] = 1
    painted = still[0].clone()
    painted[:, 34:46, 46:64] = torch.tensor([1.0, 0, 0])[:, None, None]
    report = Report()
    options = InpaintOptions(
        mode=Mode.COPY, feather=0, unseen="network", cuts=(), reach=2, run=RunOptions(device="cpu")
    )
    job = Job(
        None, options, Hooks(), report,
        plates=[Plate(painted, frame)], resume_from=resume_from,
    )  # fmt: skip
    patches = list(job.run(zip(frames * (1 - holes), holes, strict=True)))
    middle = patches[-1].pixels[:, 8:12, 12:18].mean((1, 2))
    assert middle[0] > 0.9
    assert middle[1:].max() < 0.1
    assert report.sources["plate"] > 0.9
    assert any("placed by its content" in note for note in report.notes)


@pytest.fixture
def dark_shots():
    """Two scenes that differ but are dark alike, four frames each: (8,3,64,64), and the holes."""
    ramp = torch.linspace(0, 0.06, 64)
    first = 0.15 + ramp.expand(3, 64, 64)
    second = 0.16 + ramp.flip(0)[:, None].expand(3, 64, 64)
    holes = torch.zeros(8, 1, 64, 64)
    holes[..., 24:40, 24:40] = 1
    return torch.stack([first] * 4 + [second] * 4), holes


@pytest.mark.parametrize("cuts", [(4,), None, pytest.param((), marks=pytest.mark.slow)])
def test_a_picture_of_a_later_shot_does_not_show_in_an_earlier_one(dark_shots, cuts):
    frames, holes = dark_shots
    painted = frames[6].clone()
    painted[:, 24:40, 24:40] = torch.tensor([1.0, 0, 0])[:, None, None]
    result = _fill_cut(frames, holes, [Plate(painted, 6)], cuts)
    hidden = holes[0].expand(3, -1, -1) > 0
    assert (result[6] - painted).abs().max() == 0
    assert (result[:4] - frames[:4]).abs().amax(0)[hidden].max() < 0.1


def test_a_numbered_picture_stays_in_its_shot_even_where_others_look_the_same(dark_shots):
    frames, holes = dark_shots[0][:4].repeat(2, 1, 1, 1), dark_shots[1]
    painted = frames[6].clone()
    painted[:, 24:40, 24:40] = torch.tensor([1.0, 0, 0])[:, None, None]
    result = _fill_cut(frames, holes, [Plate(painted, 6)])
    assert (result[:4] - frames[:4]).abs().max() < 0.1
    assert (result[4:] - painted).abs().max() < 0.05


def _fill_cut(frames, holes, plates, cuts=(4,)):
    options = InpaintOptions(mode=Mode.COPY, feather=0, cuts=cuts, run=RunOptions(device="cpu"))
    return inpaint(frames, holes, None, options, plates=plates)
