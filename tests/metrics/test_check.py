import json

import pytest
import torch

from lgtsm.errors import OptionError, ShapeError
from lgtsm.metrics.check import Checker, check_result
from lgtsm.metrics.limits import CheckLimits
from lgtsm.metrics.no_reference import Flicker, Residual, SeamContrast, Sharpness, ring, widen

LEVEL = 1 / 255


def _box(height=24, width=32):
    hole = torch.zeros(1, height, width)
    hole[:, 8:16, 10:20] = 1
    return hole


def _ramp(slope, height=24, width=32):
    """A picture that rises by `slope` per pixel to the right and downwards."""
    y, x = torch.meshgrid(torch.arange(float(height)), torch.arange(float(width)), indexing="ij")
    return (slope * (x + y)).expand(3, -1, -1)


def test_ring_is_the_square_neighbourhood_without_the_hole():
    hole = torch.zeros(1, 9, 9)
    hole[:, 4, 4] = 1
    assert widen(hole, 0) is hole
    assert widen(hole, 2).sum() == 25
    assert ring(hole, 2).sum() == 24
    assert (ring(hole, 2) * hole).sum() == 0


def test_seam_of_a_plane_is_one_and_of_a_step_its_height_over_the_slope():
    hole, seam = _box(), SeamContrast()
    plane = _ramp(0.01)
    seam.add(plane, hole)
    assert seam.value == pytest.approx(1, abs=1e-5)
    raised, step = SeamContrast(), 0.2
    raised.add(plane + step * hole, hole)
    # upper and left border rise by slope + step, lower and right by |slope - step|
    across = ((0.01 + step) + (step - 0.01)) / 2
    assert raised.value == pytest.approx((across + LEVEL) / (0.01 + LEVEL), rel=1e-4)


def test_flicker_is_the_change_inside_over_the_change_around():
    hole = _box()
    steady, restless = Flicker(), Flicker()
    for t in range(5):
        around = torch.full((3, 24, 32), 0.3 + 0.02 * (t % 2))
        steady.add(around, hole)
        restless.add(torch.where(hole > 0, 0.3 + 0.1 * (t % 2), around), hole)
    assert steady.value == pytest.approx(1, abs=1e-5)
    assert restless.value == pytest.approx((0.1 + LEVEL) / (0.02 + LEVEL), rel=1e-4)


def test_flicker_needs_two_frames_and_seam_a_border():
    flicker, seam, residual = Flicker(), SeamContrast(), Residual()
    flicker.add(torch.rand(3, 24, 32), _box())
    seam.add(torch.rand(3, 24, 32), torch.zeros(1, 24, 32))
    residual.add(torch.zeros(3, 24, 32), torch.rand(3, 24, 32), _box())
    assert flicker.value is None
    assert seam.value is None
    assert residual.value is None


def test_residual_is_the_remaining_fraction_of_contrast(rng):
    original = torch.rand(3, 24, 32, generator=rng)
    for share in (1.0, 0.5, 0.0, -0.25):
        residual = Residual()
        residual.add(original, 0.4 + share * original, _box())
        assert residual.value == pytest.approx(share, abs=1e-5)


def test_residual_of_another_texture_is_near_zero(rng):
    residual = Residual()
    a, b = torch.rand(2, 3, 24, 32, generator=rng)
    residual.add(a, b, _box())
    assert abs(residual.value) < 0.1


def _filled(toy_clip, toy_holes):
    return torch.where(toy_holes > 0, torch.full_like(toy_clip, 0.5), toy_clip)


def test_a_result_that_changed_only_the_hole_passes(toy_clip, toy_holes):
    report = check_result(toy_clip, _filled(toy_clip, toy_holes), toy_holes)
    assert report.passed
    assert (report.max_error_outside, report.pixels_changed_outside) == (0, 0)
    assert (report.frames, report.size) == (8, (64, 48))
    assert report.hole_area == pytest.approx(14 * 16 / (48 * 64))
    assert report.residual == pytest.approx(0, abs=1e-6)
    assert report.summary == "Passed: nothing outside the mask changed."
    assert report.to_text(truth="43.6 dB").splitlines()[0] == report.summary
    assert report.to_text(truth="43.6 dB").endswith("43.6 dB")
    values = json.loads(report.to_json())
    assert values["passed"] is True
    assert values["seam_contrast"] == report.seam_contrast


def test_one_changed_pixel_outside_fails_and_is_counted(toy_clip, toy_holes):
    result = _filled(toy_clip, toy_holes)
    result[3, 1, 0, 0] += 2 * LEVEL
    report = check_result(toy_clip, result, toy_holes)
    assert not report.passed
    assert report.pixels_changed_outside == 1
    assert report.max_error_outside == pytest.approx(2, abs=1e-3)
    assert "1 pixels outside" in report.summary
    assert check_result(toy_clip, result, toy_holes, CheckLimits(tolerance=2)).passed
    assert not check_result(toy_clip, result, toy_holes, CheckLimits(tolerance=1.9)).passed


def test_an_encoder_may_change_what_it_changes_in_the_source(toy_clip, toy_holes, rng):
    noise = 0.01 * torch.randn(2, *toy_clip.shape, generator=rng)
    result, encoded = _filled(toy_clip, toy_holes) + noise[0], toy_clip + noise[1]

    def verdict(result):
        checker = Checker()
        for clip in zip(toy_clip, result, toy_holes, encoded, strict=True):
            checker.add(*clip)
        return checker.report()

    assert verdict(result).passed
    assert "as an encoder" in check_result(toy_clip, result, toy_holes).summary
    assert "keeps" in verdict(toy_clip + 2 * (result - toy_clip)).summary
    moved = result.clone()
    moved[6, :, :8, :8] += 0.06
    assert "a block of pixels" in verdict(moved).summary


def test_the_smallest_possible_change_fails_without_tolerance(toy_clip, toy_holes):
    result = _filled(toy_clip, toy_holes)
    result[0, 0, 0, 0] = torch.nextafter(result[0, 0, 0, 0], torch.tensor(1.0))
    assert not check_result(toy_clip, result, toy_holes).passed


def test_margin_allows_changes_beside_the_mask_only(toy_clip, toy_holes):
    result = _filled(toy_clip, toy_holes)
    result[0, :, 17, 12] = 0  # one row above the hole
    assert not check_result(toy_clip, result, toy_holes).passed
    assert check_result(toy_clip, result, toy_holes, CheckLimits(margin=1)).passed
    result[0, :, 16, 12] = 0
    assert not check_result(toy_clip, result, toy_holes, CheckLimits(margin=1)).passed


def test_an_untouched_hole_and_nan_fail(toy_clip, toy_holes):
    assert "nothing inside" in check_result(toy_clip, toy_clip.clone(), toy_holes).summary
    result = _filled(toy_clip, toy_holes)
    result[2, 0, 0, 0] = torch.nan
    report = check_result(toy_clip, result, toy_holes)
    assert not report.passed
    assert json.loads(report.to_json())["max_error_outside"] is None


def test_an_empty_mask_passes_with_an_equal_result(toy_clip):
    report = check_result(toy_clip, toy_clip.clone(), torch.zeros(1, 1, 48, 64))
    assert report.passed
    assert report.seam_contrast is None


@pytest.mark.parametrize("name", ["max_seam", "max_flicker", "max_residual"])
def test_limits_fail_a_fill_that_exceeds_them(toy_clip, toy_holes, name):
    noise = torch.rand(toy_clip.shape, generator=torch.Generator().manual_seed(1))
    result = torch.where(toy_holes > 0, 0.5 * noise + 0.5 * toy_clip, toy_clip)
    assert check_result(toy_clip, result, toy_holes, CheckLimits(**{name: 50.0})).passed
    assert not check_result(toy_clip, result, toy_holes, CheckLimits(**{name: 0.05})).passed


def test_checking_frame_by_frame_equals_checking_the_clip(toy_clip, toy_holes):
    result = _filled(toy_clip, toy_holes)
    checker = Checker()
    for frame, out, hole in zip(toy_clip, result, toy_holes, strict=True):
        checker.add(frame, out, hole)
    assert checker.report() == check_result(toy_clip, result, toy_holes)


def test_clips_that_do_not_fit_are_refused(toy_clip, toy_holes, one_sentence):
    wrong = (
        (toy_clip, toy_clip[:5], toy_holes),
        (toy_clip, toy_clip, toy_holes[:5]),
        (toy_clip, toy_clip[..., :40], toy_holes),
        (toy_clip, toy_clip, toy_holes[..., :40]),
        (toy_clip[0], toy_clip[0], toy_holes[0]),
        (toy_clip[:0], toy_clip[:0], toy_holes[:0]),
    )
    for clips in wrong:
        with pytest.raises(ShapeError) as caught:
            check_result(*clips)
        one_sentence(caught.value)
    with pytest.raises(OptionError) as caught:
        CheckLimits(tolerance=-1)
    one_sentence(caught.value)


def test_sharpness_is_one_for_equal_texture_and_near_zero_for_a_smooth_fill(rng):
    hole, grain = torch.zeros(1, 96, 96), torch.rand(3, 96, 96, generator=rng)
    hole[:, 36:60, 36:60] = 1
    values = []
    for inside in (grain, torch.full_like(grain, 0.5)):
        sharpness = Sharpness()
        sharpness.add(torch.where(hole > 0, inside, grain), hole)
        values.append(sharpness.value)
    assert values[0] == pytest.approx(1, abs=0.1)
    assert values[1] < 0.02
    empty = Sharpness()
    empty.add(grain, torch.zeros_like(hole))
    assert empty.value is None


def test_a_smear_is_told_from_a_sharp_fill(rng):
    grain = torch.rand(3, 3, 40, 60, generator=rng)
    hole = torch.zeros(1, 1, 40, 60)
    hole[..., 12:28, 20:40] = 1
    smear = torch.where(hole > 0, torch.tensor(0.5), grain)
    sharp = torch.where(hole > 0, 1 - grain, grain)
    values = [check_result(grain, x, hole).sharpness for x in (smear, sharp)]
    assert values[0] < 0.05
    assert values[1] == pytest.approx(1, abs=0.15)
    assert "sharpness" in check_result(grain, sharp, hole).to_text()
