"""Scene cuts: found where they are, nothing crosses them."""

import pytest
import torch

from lgtsm.engine.cuts import CutDetector
from lgtsm.models.spec import FAMILIES
from lgtsm.options import InpaintOptions, Mode
from lgtsm.report import Report


def _found(frames):
    return _found_around(frames, torch.zeros(len(frames), 1, *frames.shape[2:]))


def _found_around(frames, holes):
    detector = CutDetector()
    return [t for t, pair in enumerate(zip(frames, holes, strict=True)) if detector.is_cut(*pair)]


def _textured(rng, num_frames, mean, step, size=(48, 64)):
    """A shot: a smooth random picture around a mean colour that moves `step` px a frame."""
    wide = size[1] + num_frames * step
    coarse = torch.rand(1, 3, 6, 4 + wide // 12, generator=rng) - 0.5
    picture = torch.nn.functional.interpolate(coarse, (size[0], wide), mode="bicubic")[0]
    picture = (torch.tensor(mean).view(3, 1, 1) + 0.35 * picture).clamp(0, 1)
    return torch.stack([picture[..., t * step : t * step + size[1]] for t in range(num_frames)])


DARK, BRIGHT = (0.15, 0.2, 0.3), (0.8, 0.7, 0.4)


def test_cuts_between_different_shots_are_found(rng):
    shots = [_textured(rng, n, c, 1) for n, c in ((9, DARK), (1, BRIGHT), (12, DARK), (7, BRIGHT))]
    assert _found(torch.cat(shots)) == [9, 10, 22]


def test_what_lies_under_the_hole_is_no_cut(rng):
    frames = _textured(rng, 20, DARK, 0)
    holes = torch.zeros(20, 1, 48, 64)
    holes[:, :, :, :34] = 1
    frames[8:14, :, :, :34] = 1.0
    assert _found(frames) == [8, 14]
    assert _found_around(frames, holes) == []


def test_a_cut_behind_a_moving_hole_is_found(rng):
    frames = torch.cat([_textured(rng, 9, DARK, 1), _textured(rng, 9, BRIGHT, 1)])
    holes = torch.zeros(18, 1, 48, 64)
    for t in range(18):
        holes[t, :, 10:40, 2 * t : 2 * t + 25] = 1
    assert _found_around(frames, holes) == [9]


@pytest.mark.parametrize("step", [0, 2, 8])
def test_a_pan_is_no_cut(step, rng):
    assert _found(_textured(rng, 30, (0.5, 0.5, 0.5), step)) == []


def test_a_cut_right_after_a_pan_is_found(rng):
    shots = [_textured(rng, 15, DARK, 4), _textured(rng, 8, BRIGHT, 4)]
    assert _found(torch.cat(shots)) == [15]


def test_fades_and_exposure_changes_are_no_cuts(rng):
    shot = _textured(rng, 40, (0.5, 0.5, 0.5), 1)
    fade = torch.linspace(1, 0, 40).view(-1, 1, 1, 1)
    assert _found(shot * fade) == []
    other = _textured(rng, 40, BRIGHT, 1)
    assert _found(shot * fade + other * (1 - fade)) == []
    wave = 1 + 0.15 * torch.sin(torch.arange(40.0) / 3).view(-1, 1, 1, 1)
    assert _found((shot * wave).clamp(0, 1)) == []
    noise = 0.03 * torch.randn(shot.shape, generator=rng)
    assert _found((shot + noise).clamp(0, 1)) == []


@pytest.mark.parametrize(
    ("family", "detect"),
    [
        ("lgtsm", True),
        ("refine", False),
        *(pytest.param(name, True, marks=pytest.mark.slow) for name in FAMILIES if name != "lgtsm"),
    ],
)
def test_two_shots_in_one_clip_equal_the_shots_alone(
    family, detect, strong_network, run_job, noise_clip, rng
):
    network = strong_network(family)
    _, holes = noise_clip(16)
    shots = [_textured(rng, 9, DARK, 1, (32, 48)), _textured(rng, 7, BRIGHT, 1, (32, 48))]
    both = torch.cat(shots)
    report = Report()
    options = InpaintOptions(cuts=None if detect else (9,))
    found = run_job(network, both, holes, options, report=report)
    assert report.shots == [0, 9]
    alone = InpaintOptions(cuts=())
    parts = [
        run_job(network, shots[0], holes[:9], alone),
        run_job(network, shots[1], holes[9:], alone),
    ]
    assert (found - torch.cat(parts)).abs().max() < 1e-5


def test_no_pixel_is_copied_over_a_cut(run_job):
    frames = torch.zeros(8, 3, 32, 32)
    frames[4:] = 1
    holes = torch.zeros(8, 1, 32, 32)
    holes[2:6, :, 8:24, 8:24] = 1
    options = InpaintOptions(mode=Mode.COPY, cuts=(4,), source_frames=8)
    found = run_job(None, frames, holes, options)
    assert (found - frames).abs().max() < 1e-5


def test_a_cut_behind_a_fully_masked_frame_is_found(rng):
    first, second = torch.full((3, 72, 128), 0.2), torch.full((3, 72, 128), 0.8)
    open_hole, all_hole = torch.zeros(1, 72, 128), torch.ones(1, 72, 128)
    detector = CutDetector()
    assert not detector.is_cut(first, open_hole)
    assert not detector.is_cut(torch.rand(3, 72, 128, generator=rng), all_hole)
    assert detector.is_cut(second, open_hole)
