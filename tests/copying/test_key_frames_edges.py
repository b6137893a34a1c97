"""What no frame shows, where there is little or nothing to go by."""

import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate

from lgtsm.api import inpaint_clip
from lgtsm.options import InpaintOptions, Mode, RunOptions, Unseen


def _fill(frames, holes, **changes):
    options = InpaintOptions(
        mode=Mode.COPY, feather=0, run=RunOptions(device="cpu"), **{"unseen": Unseen.AUTO} | changes
    )
    result = inpaint_clip(frames, holes, None, options)
    assert torch.isfinite(result.frames).all()
    assert torch.equal(
        torch.where(holes > 0, 0.0, result.frames), torch.where(holes > 0, 0.0, frames)
    )
    return result


def _grain(rng, count, height, width):
    return avg_pool2d(torch.rand(count, 3, height + 2, width + 2, generator=rng), 3, 1)


def _wall(rng, height, width):
    """Soft blobs of colour, (1,3,height,width)."""
    coarse = torch.rand(1, 3, height // 8, width // 8, generator=rng)
    return interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1)


def _square(count, height=64, width=96, part=(slice(20, 46), slice(30, 60))):
    holes = torch.zeros(count, 1, height, width)
    holes[..., part[0], part[1]] = 1
    return holes


def _detail(frames, where):
    steps = (frames[..., 1:] - frames[..., :-1]).abs().mean(1, keepdim=True)
    inside = where[..., 1:] * where[..., :-1]
    return float((steps * inside).sum() / inside.sum())


def _change(frames, where):
    """Mean difference of consecutive frames, over pixels of the masks (T,1,h,w)."""
    steps = (frames[1:] - frames[:-1]).abs().mean(1, keepdim=True)
    inside = where[1:] * where[:-1]
    return float((steps * inside).sum() / inside.sum())


def test_a_clip_that_is_masked_as_a_whole(rng):
    frames = _grain(rng, 3, 64, 96)
    result = _fill(frames, torch.ones(3, 1, 64, 96))
    assert result.report.unseen == 1


def test_one_frame_that_is_masked_as_a_whole_shows_nothing_to_the_others(rng):
    frames, holes = _grain(rng, 1, 64, 96).repeat(5, 1, 1, 1), _square(5)
    holes[2] = 1
    result = _fill(frames, holes)
    others = [0, 1, 3, 4]
    around = _detail(frames[others], 1 - holes[others])
    assert 0.7 * around < _detail(result.frames[others], holes[others]) < 1.3 * around


def test_a_single_frame(rng):
    frames, holes = _grain(rng, 1, 64, 96), _square(1)
    result = _fill(frames, holes)
    assert result.report.sources["synthesised"] > 0.9
    assert 0.7 < _detail(result.frames, holes) / _detail(frames, 1 - holes) < 1.3


@pytest.mark.parametrize("known", [3, 6], ids=["a strip", "not a whole patch"])
def test_a_known_part_smaller_than_a_patch(rng, known):
    frames, holes = _grain(rng, 1, 64, 96).repeat(3, 1, 1, 1), torch.ones(3, 1, 64, 96)
    holes[..., :known, :known] = 0
    _fill(frames, holes)


def test_a_hole_that_touches_all_four_borders(rng):
    frames, holes = _grain(rng, 1, 64, 96).repeat(3, 1, 1, 1), _square(3)
    holes[..., 28:36, :] = 1
    holes[..., :, 40:52] = 1
    result = _fill(frames, holes)
    assert 0.6 < _detail(result.frames, holes) / _detail(frames, 1 - holes) < 1.4


def test_flat_colour_stays_flat():
    frames, holes = torch.full((4, 3, 64, 96), 0.4), _square(4)
    assert (_fill(frames, holes).frames - 0.4).abs().max() < 1e-3


def test_black_bars_do_not_get_into_the_picture(rng):
    frames = 0.3 + 0.5 * _grain(rng, 1, 64, 96).repeat(4, 1, 1, 1)
    frames[..., :14, :] = 0
    frames[..., -14:, :] = 0
    holes = _square(4, part=(slice(8, 46), slice(30, 60)))
    filled = _fill(frames, holes).frames
    inside = holes[:, 0] > 0
    dark = filled.amax(1) < 0.1
    assert dark[:, 8:13][inside[:, 8:13]].float().mean() > 0.9
    assert dark[:, 17:46][inside[:, 17:46]].float().mean() < 0.02


def test_grain_is_as_strong_as_around_and_new_in_every_frame(rng):
    """Frozen grain would be seen as a patch that stands still."""
    wall = 0.3 + 0.4 * _wall(rng, 64, 96)
    frames = (wall + 0.04 * torch.randn(8, 3, 64, 96, generator=rng)).clamp(0, 1)
    holes = _square(8)
    filled = _fill(frames, holes, cuts=()).frames
    assert 0.7 < _detail(filled, holes) / _detail(frames, 1 - holes) < 1.3
    assert 0.5 < _change(filled, holes) / _change(frames, 1 - holes) < 1.5


@pytest.mark.slow
def test_two_shots_of_the_same_place_are_filled_as_each_alone(rng):
    """Nothing is carried over a cut: what is behind the hole may have been moved."""
    frames, holes = _grain(rng, 1, 64, 96).repeat(6, 1, 1, 1), _square(6)
    frames[3:] = frames[3:].flip(-1)
    both = _fill(frames, holes, cuts=(3,)).frames
    for part in (slice(0, 3), slice(3, 6)):
        assert torch.equal(both[part], _fill(frames[part], holes[part], cuts=()).frames)


@pytest.mark.slow
def test_what_moves_on_its_own_is_left_to_the_network_unless_all_is_asked_for(rng):
    """A hole over something that changes its colour, before scenery that stands still."""
    scenery = _wall(rng, 96, 144)
    frames, holes = scenery.repeat(8, 1, 1, 1), _square(8, 96, 144)
    for t in range(8):
        thing = 0.3 * scenery[0, :, 12:54, 20:70] + (0.2, 0.2, 0.45, 0.45)[t % 4]
        frames[t, :, 12:54, 20:70] = thing
    fractions = [
        _fill(frames, holes, cuts=(), unseen=unseen).report.sources["synthesised"]
        for unseen in (Unseen.AUTO, Unseen.SYNTHESISE)
    ]
    assert fractions[0] < 0.1
    assert fractions[1] > 0.5


def test_a_texture_that_moves_by_itself_is_not_frozen(rng):
    """Waves that run through a part of a picture whose camera stands still."""
    waves = avg_pool2d(torch.rand(1, 3, 44, 220, generator=rng), 5, 1)
    frames = _grain(rng, 1, 96, 144).repeat(8, 1, 1, 1)
    for t in range(8):
        frames[t, :, 30:70] = waves[..., 10 * t : 10 * t + 144]
    holes = _square(8, 96, 144, part=(slice(36, 64), slice(54, 86)))
    moving = torch.zeros_like(holes)
    moving[..., 32:68, :] = 1
    filled = _fill(frames, holes, cuts=()).frames
    assert 0.5 < _change(filled, holes) / _change(frames, moving * (1 - holes)) < 1.5
    assert 0.6 < _detail(filled, holes) / _detail(frames, moving * (1 - holes)) < 1.4
