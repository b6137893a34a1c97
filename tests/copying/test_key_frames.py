"""What no frame shows: synthesised once, carried along, and never in place of real pixels."""

import pytest
import torch
from torch.nn.functional import avg_pool2d

from lgtsm.api import inpaint_clip
from lgtsm.copying.key_frames import KeyFrames, _without_scraps
from lgtsm.engine.hooks import Hooks
from lgtsm.engine.run import Job
from lgtsm.options import InpaintOptions, Mode, RunOptions, Unseen
from lgtsm.report import Report

COPY = InpaintOptions(mode=Mode.COPY, feather=0, run=RunOptions(device="cpu"))


def _grain(rng, height, width):
    return avg_pool2d(torch.rand(1, 3, height + 2, width + 2, generator=rng), 3, 1)


def _options(unseen, **changes):
    return InpaintOptions(mode=Mode.COPY, feather=0, unseen=unseen, run=COPY.run, **changes)


def _sharpness(frames, where):
    steps = (frames[..., 1:] - frames[..., :-1]).abs().mean(1, keepdim=True)
    inside = where[..., 1:] * where[..., :-1]
    return float((steps * inside).sum() / inside.sum())


@pytest.fixture
def still(rng):
    """Eight equal frames of grain; nothing shows what a fixed square hides."""
    frames = _grain(rng, 80, 112).expand(8, -1, -1, -1).contiguous()
    holes = torch.zeros(8, 1, 80, 112)
    holes[..., 26:54, 40:76] = 1
    return frames, holes


@pytest.fixture
def panning(rng):
    """A camera that moves by three pixels a frame, with a hole that moves along with it."""
    wide = _grain(rng, 80, 160)
    frames = torch.cat([wide[..., 3 * t : 3 * t + 112] for t in range(8)])
    holes = torch.zeros(8, 1, 80, 112)
    for t in range(8):
        holes[t, :, 26:54, 60 - 3 * t : 92 - 3 * t] = 1
    return frames, holes


def test_what_no_frame_shows_is_as_sharp_as_its_surroundings(still):
    frames, holes = still
    smooth, sharp = (
        inpaint_clip(frames, holes, None, _options(u)) for u in (Unseen.NETWORK, Unseen.AUTO)
    )
    around = _sharpness(frames, 1 - holes)
    assert _sharpness(smooth.frames, holes) < 0.3 * around
    assert 0.7 * around < _sharpness(sharp.frames, holes) < 1.3 * around
    assert sharp.report.sources["synthesised"] > 0.9
    assert sharp.report.unseen > 0.95


def test_one_place_has_one_texture_in_all_frames(still):
    frames, holes = still
    result = inpaint_clip(frames, holes, None, _options(Unseen.AUTO)).frames
    assert (result - result[:1]).abs().max() < 0.02


def test_texture_moves_with_the_camera(panning):
    frames, holes = panning
    result = inpaint_clip(frames, holes, None, _options(Unseen.AUTO)).frames
    first = result[0, :, 28:52, 62:90]
    for t in range(1, 8):
        assert (result[t, :, 28:52, 62 - 3 * t : 90 - 3 * t] - first).abs().mean() < 0.02
    assert _sharpness(result, holes) > 0.7 * _sharpness(frames, 1 - holes)


def test_real_pixels_always_win(still):
    frames, holes = still
    holes = holes.clone()
    holes[5] = 0
    options = [_options(u) for u in (Unseen.NETWORK, Unseen.AUTO)]
    plain, auto = (inpaint_clip(frames, holes, None, o) for o in options)
    assert auto.report.sources["synthesised"] == 0
    assert torch.equal(plain.frames, auto.frames)


def test_thin_places_are_left_to_the_network_unless_all_are_asked_for(still):
    frames, holes = still
    thin = torch.zeros_like(holes)
    thin[..., 26:29, 40:76] = 1
    fractions = [
        inpaint_clip(frames, thin, None, _options(u)).report.sources["synthesised"]
        for u in (Unseen.AUTO, Unseen.SYNTHESISE)
    ]
    assert fractions[0] == 0
    assert fractions[1] > 0.9


@pytest.mark.parametrize("chunk", [1, 5])
def test_chunks_do_not_change_the_result(panning, chunk):
    frames, holes = panning
    run = RunOptions(device="cpu", chunk=chunk)
    options = InpaintOptions(mode=Mode.COPY, feather=0, reach=3, run=run)
    usual = InpaintOptions(mode=Mode.COPY, feather=0, reach=3, run=COPY.run)
    one, other = (inpaint_clip(frames, holes, None, o).frames for o in (options, usual))
    assert torch.equal(one, other)


def _patches(frames, holes, options, **resume):
    job = Job(None, options, Hooks(), Report(), **resume)
    return list(job.run(zip(frames, holes, strict=True)))


@pytest.mark.slow
@pytest.mark.parametrize("begin", [0, 14])
def test_a_resumed_shot_equals_the_whole_one(rng, begin):
    """A shot with a moving hole, in which something is never shown from frame `begin` on."""
    wide = _grain(rng, 64, 200)
    frames = torch.cat([wide[..., 2 * t : 2 * t + 96] for t in range(34)])
    holes = torch.zeros(34, 1, 64, 96)
    for t in range(34):
        holes[t, :, 4:12, 3 * t % 80 : 3 * t % 80 + 9] = 1
        if t >= begin:
            holes[t, :, 24:52, 70 - 2 * t : 94 - 2 * t] = 1
    options = _options(Unseen.AUTO, cuts=(), reach=5)
    whole = _patches(frames, holes, options)
    assert whole[-1].depends_from == 0
    if begin:
        assert whole[1].depends_from == 2
    for start in (2, 9, 20, 33):
        since = whole[start - 1].depends_from
        rest = _patches(frames, holes, options, resume_from=start, key_frames_from=since)
        assert [p.index for p in rest] == list(range(start, 34))
        for one, other in zip(whole[start:], rest, strict=True):
            assert one.box == other.box
            assert one.box is None or torch.equal(one.pixels, other.pixels)


def test_a_cut_ends_what_is_carried(still):
    frames, holes = still
    flipped = torch.cat([frames[:4], 1 - frames[4:]])
    result = inpaint_clip(flipped, holes, None, _options(Unseen.AUTO, cuts=(4,))).frames
    inside = holes[:1].expand(1, 3, -1, -1) > 0
    mean = [float(result[t][None][inside].mean()) for t in (0, 7)]
    assert mean[0] == pytest.approx(float(frames.mean()), abs=0.05)
    assert mean[1] == pytest.approx(1 - float(frames.mean()), abs=0.05)


def test_few_key_frames_are_kept_however_long_the_shot(rng):
    keys = []
    make = KeyFrames._make

    def recorded(self, *args):
        keys.append(self)
        return make(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KeyFrames, "_make", recorded)
        frames = torch.cat([_grain(rng, 48, 64) for _ in range(12)])
        holes = torch.zeros(12, 1, 48, 64)
        holes[..., 12:36, 16:48] = 1
        inpaint_clip(frames, holes, None, _options(Unseen.AUTO, cuts=()))
    assert len(keys) >= 1
    assert len(keys[0].numbers) <= 6


def test_a_large_frame_gets_detail_of_the_source(rng):
    frames = torch.rand(1, 3, 160, 224, generator=rng).expand(3, -1, -1, -1).contiguous()
    holes = torch.zeros(3, 1, 160, 224)
    holes[..., 50:110, 80:150] = 1
    run = RunOptions(device="cpu", max_side=112)
    options = [
        InpaintOptions(mode=Mode.COPY, feather=0, unseen=u, run=run)
        for u in (Unseen.NETWORK, Unseen.AUTO)
    ]
    smooth, sharp = (inpaint_clip(frames, holes, None, o).frames for o in options)
    around = _sharpness(frames, 1 - holes)
    assert _sharpness(smooth, holes) < 0.2 * around
    assert _sharpness(sharp, holes) > 0.6 * around


@pytest.mark.slow
def test_frames_that_nothing_can_follow_do_not_all_become_key_frames(rng, monkeypatch):
    made = []
    make = KeyFrames._make
    monkeypatch.setattr(
        KeyFrames,
        "_make",
        lambda self, shot, t, *rest: made.append(t) or make(self, shot, t, *rest),
    )
    frames, holes = torch.rand(30, 3, 48, 64, generator=rng), torch.zeros(30, 1, 48, 64)
    holes[..., 12:34, 20:44] = 1
    inpaint_clip(frames, holes, None, _options(Unseen.AUTO, cuts=()))
    assert made == [0, 1, 24, 25]


def test_lines_that_are_left_of_places_are_dropped_unless_another_place_is_beside_them():
    places = torch.zeros(2, 1, 40, 60)
    places[0, :, 10:30, 10:30] = 1
    places[0, :, 5:8, 10:50] = 1
    places[1, :, 10:30, 30:33] = 1
    kept = _without_scraps(places)
    assert kept[0, :, 10:30, 10:30].all()
    assert kept[1, :, 10:30, 30:33].all()
    assert kept.sum() == 20 * 23
