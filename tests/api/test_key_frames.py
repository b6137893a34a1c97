"""Key frames to paint: those of the synthesis, and carried through the shot once painted."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import avg_pool2d

import lgtsm
from lgtsm.api import inpaint_clip
from lgtsm.copying.key_frames import KeyFrames
from lgtsm.errors import Cancelled, OptionError, ShapeError
from lgtsm.options import InpaintOptions, Mode, RunOptions, Unseen


def _options(**changes):
    return InpaintOptions(feather=0, run=RunOptions(device="cpu"), mode=Mode.COPY, **changes)


def _grain(rng, height, width):
    return avg_pool2d(torch.rand(1, 3, height + 2, width + 2, generator=rng), 3, 1)


@pytest.fixture
def panning(rng):
    """A camera that moves by three pixels a frame; one thing moves along with it, another passes."""
    wide = _grain(rng, 80, 200)
    frames = torch.cat([wide[..., 3 * t : 3 * t + 112] for t in range(10)])
    holes = torch.zeros(10, 1, 80, 112)
    for t in range(10):
        holes[t, :, 30:58, 60 - 3 * t : 92 - 3 * t] = 1
        holes[t, :, 4:14, 40 + 6 * t : 50 + 6 * t] = 1
    return frames, holes


@pytest.fixture
def two_shots(rng):
    """A fixed square before two still scenes, four frames each."""
    frames = torch.cat([_grain(rng, 80, 112).expand(4, -1, -1, -1) * k for k in (1, 0.3)])
    holes = torch.zeros(8, 1, 80, 112)
    holes[..., 26:54, 40:76] = 1
    return frames, holes


def _made_by_synthesis(frames, holes, options, monkeypatch):
    """Return (number in its shot, place) of all key frames that the built-in synthesis makes."""
    made, make = [], KeyFrames._make

    def recorded(self, shot, t, *args):
        key = make(self, shot, t, *args)
        made.append((t, key.place))
        return key

    with monkeypatch.context() as patch:
        patch.setattr(KeyFrames, "_make", recorded)
        inpaint_clip(frames, holes, None, options)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("unseen", [Unseen.AUTO, Unseen.SYNTHESISE])
def test_they_are_those_of_the_built_in_synthesis(panning, monkeypatch, unseen):
    frames, holes = panning
    frames, holes = torch.cat([frames, 1 - frames]), torch.cat([holes, holes.flip(-1)])
    options = _options(cuts=(10,), reach=3, unseen=unseen)
    made = _made_by_synthesis(frames, holes, options, monkeypatch)
    monkeypatch.setattr("lgtsm.copying.key_frames.complete", None)  # nothing is synthesised
    found = lgtsm.key_frames(frames, holes, options)
    assert [n % 10 for n in found.numbers] == [t for t, _ in made]
    assert {n // 10 for n in found.numbers} == {0, 1}
    assert len(made) > 2
    for mask, (_, place) in zip(found.masks, made, strict=True):
        assert torch.equal(mask[None], place[..., :80, :112])


@pytest.mark.slow
def test_real_copies_fill_the_rest_of_a_key_frame(panning):
    frames, holes = panning
    found = lgtsm.key_frames(frames * (1 - holes), holes, _options(cuts=()))
    [number, *_] = found.numbers
    outside, shown = holes[number] == 0, (holes[number] > 0) & (found.masks[0] == 0)
    assert torch.equal(found.frames[0][:, outside[0]], frames[number][:, outside[0]])
    assert (found.frames[0] - frames[number])[:, shown[0]].abs().mean() < 0.02
    assert 0.5 < found.masks[0, :, 30:58].sum() / (28 * 32) <= 1
    assert found.masks[0, :, :20].sum() == 0  # the thing that passes is shown by other frames
    assert 0 < found.report.unseen < 1


@pytest.mark.slow
def test_what_is_painted_is_carried_and_real_copies_win_elsewhere(panning):
    frames, holes = panning
    red = torch.tensor([1.0, 0, 0])[:, None, None]
    found = lgtsm.key_frames(frames, holes, _options(cuts=()))
    # the whole hole is painted over, and only what the mask marks may arrive
    hidden = holes[list(found.numbers)] > 0
    painted = torch.where(hidden, red, found.frames)
    result = inpaint_clip(
        frames * (1 - holes), holes, None, _options(cuts=()), plates=found.plates(painted)
    )
    for t in range(10):
        middle = result.frames[t, :, 40:48, 70 - 3 * t : 82 - 3 * t]
        assert (middle - red).abs().max() < 0.25, t
        passing = (holes[t, 0, :20] > 0).nonzero()
        y, x = passing[:, 0], passing[:, 1]
        assert (result.frames[t][:, y, x] - frames[t][:, y, x]).abs().mean() < 0.03, t
    assert result.report.sources["synthesised"] < 0.02
    assert result.report.sources["plate"] > 0.5


def test_every_shot_has_its_own(two_shots):
    frames, holes = two_shots
    found = lgtsm.key_frames(frames, holes, _options(cuts=(4,)))
    assert found.numbers == (0, 4)
    painted = torch.stack([torch.full((3, 80, 112), v) for v in (0.9, 0.1)])
    plates = found.plates(painted)
    result = inpaint_clip(frames, holes, None, _options(cuts=(4,)), plates=plates).frames
    assert result[3, :, 36:44, 50:66].mean() > 0.75
    assert result[7, :, 36:44, 50:66].mean() < 0.25


def test_masks_have_the_size_of_the_source(rng):
    frames = torch.rand(1, 3, 160, 224, generator=rng).expand(3, -1, -1, -1).contiguous().half()
    holes = torch.zeros(3, 1, 160, 224)
    holes[..., 51:110, 80:151] = 1
    run = RunOptions(device="cpu", max_side=112)
    options = InpaintOptions(run=run)
    found = lgtsm.key_frames(frames, holes, options)
    assert found.numbers == (0,)
    assert found.frames.dtype == torch.float16
    assert torch.equal(found.masks[0], holes[0])
    # at its own size the painted frame arrives as it is
    painted = torch.rand(1, 3, 160, 224, generator=rng)
    options = InpaintOptions(mode=Mode.COPY, feather=0, run=run)
    [half] = [
        lgtsm.Plate(p.picture, p.frame, p.mask * (torch.arange(224) < 110))
        for p in found.plates(painted)
    ]
    result = inpaint_clip(frames.float(), holes, None, options, plates=[half]).frames[0]
    assert torch.equal(result[:, 51:110, 80:110], painted[0, :, 51:110, 80:110])
    assert not torch.equal(result[:, 51:110, 110:151], painted[0, :, 51:110, 110:151])


def test_a_plate_leaves_less_to_paint(two_shots):
    frames, holes = two_shots
    options = _options(cuts=(4,))
    found = lgtsm.key_frames(frames, holes, options)
    rest = lgtsm.key_frames(frames, holes, options, plates=found.plates(found.frames)[:1])
    assert rest.numbers == (4,)


@pytest.mark.parametrize("empty", [True, False])
def test_nothing_missing_is_said_in_one_note(two_shots, empty):
    frames, holes = two_shots
    holes = holes.clone()
    holes[2] = 0
    holes[4:] = 0
    if empty:
        holes[:] = 0
    found = lgtsm.key_frames(frames, holes, _options(cuts=(4,)))
    assert found.numbers == ()
    assert found.frames.shape == (0, 3, 80, 112)
    assert found.masks.shape == (0, 1, 80, 112)
    assert [n for n in found.report.notes if "no key frame" in n]
    one = lgtsm.key_frames(frames, holes, _options(cuts=(4,)), at_least_one=True)
    assert one.numbers == (0,)
    assert not one.masks.any()
    assert (one.frames[0] - frames[0]).abs().max() < 0.03


@pytest.mark.parametrize("count", [1, 3])
def test_one_frame_and_a_picture_masked_whole_have_one(rng, count):
    frames = _grain(rng, 64, 96).expand(count, -1, -1, -1).contiguous()
    found = lgtsm.key_frames(frames, torch.ones(1, 1, 64, 96), _options())
    assert found.numbers == (0,)
    assert found.masks.all()


def test_options_that_synthesise_nothing_are_refused(two_shots, one_sentence):
    for options in (InpaintOptions(mode=Mode.FILL), InpaintOptions(unseen=Unseen.NETWORK)):
        with pytest.raises(OptionError, match="key frames are made") as error:
            lgtsm.key_frames(*two_shots, options)
        one_sentence(error.value)


def test_cancelling_stops(two_shots):
    with pytest.raises(Cancelled):
        lgtsm.key_frames(*two_shots, _options(), cancel=lambda: True)


@pytest.mark.parametrize(
    "mask",
    [torch.ones(1, 80, 80), torch.ones(80, 112), torch.full((1, 80, 112), float("nan"))],
)
def test_a_mask_that_does_not_fit_its_plate_is_refused(two_shots, mask, one_sentence):
    frames, holes = two_shots
    plate = lgtsm.Plate(frames[0], 0, mask)
    with pytest.raises(ShapeError, match="mask of a plate") as error:
        inpaint_clip(frames, holes, None, _options(), plates=[plate])
    one_sentence(error.value)


def test_a_missing_painted_frame_is_refused(two_shots, one_sentence):
    found = lgtsm.key_frames(*two_shots, _options(cuts=(4,)))
    with pytest.raises(ShapeError, match="2 painted key frames") as error:
        found.plates(found.frames[:1])
    one_sentence(error.value)
