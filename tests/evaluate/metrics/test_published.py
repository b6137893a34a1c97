"""Metrics against golden vectors, made by running the authors' code."""

import numpy as np
import pytest
import torch

from lgtsm.errors import ShapeError
from lgtsm.evaluate.metrics.published import published_mse, published_ssim, to_bytes
from lgtsm.evaluate.score.video_fid import frechet_distance
from lgtsm.metrics.fidelity import mean_squared_error, psnr, squared_error, ssim_map


@pytest.fixture(scope="module")
def stored():
    """Arrays and scalars of the published metrics."""
    from pathlib import Path

    path = Path(__file__).resolve().parents[2] / "golden" / "metrics.npz"
    with np.load(path) as file:
        return dict(file)


@pytest.fixture
def pair(stored):
    """(result, truth): bytes (H,W,3) of the first frame."""
    return tuple(stored[name].transpose(1, 2, 0) for name in ("result_u8", "truth_u8"))


def test_published_scalars_are_reproduced(stored, pair):
    assert published_mse(*pair) == pytest.approx(float(stored["mse"]), rel=1e-6)
    assert published_ssim(*pair) == pytest.approx(float(stored["ssim"]), rel=1e-6)
    assert psnr(published_mse(*pair)) == pytest.approx(float(stored["psnr"]), rel=1e-6)


def test_published_frechet_distance_is_reproduced(stored):
    value = frechet_distance(stored["fid_real"], stored["fid_fake"])
    assert value == pytest.approx(float(stored["fid"]), rel=1e-5)


def test_our_squared_error_agrees_with_the_published_one(stored, pair):
    result, truth = (torch.from_numpy(stored[n])[None] / 255 for n in ("result_u8", "truth_u8"))
    assert mean_squared_error(result, truth) == pytest.approx(published_mse(*pair), rel=1e-6)
    assert squared_error(result, truth).shape == (1, 1, *result.shape[-2:])


def test_bytes_are_truncated_not_rounded():
    frame = torch.full((1, 3, 2, 2), 254.9 / 255)
    assert to_bytes(frame).shape == (1, 2, 2, 3)
    assert (to_bytes(frame) == 254).all()


def test_equal_frames_are_infinite_and_one():
    frame = np.random.default_rng(0).integers(0, 255, (16, 20, 3), np.uint8)
    assert published_mse(frame, frame) == 0
    assert published_ssim(frame, frame) == pytest.approx(1)


def test_frechet_distance_of_shifted_and_scaled_sets_has_a_closed_form():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, 5))
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-6)
    shift = np.array([1.0, 2, 0, 0, -2])
    assert frechet_distance(features, features + shift) == pytest.approx(9, rel=1e-6)
    # equal means, standard deviations times 2: the sum of the variances remains
    centred = features - features.mean(0)
    variance = centred.var(0, ddof=1).sum()
    assert frechet_distance(centred, 2 * centred) == pytest.approx(variance, rel=1e-6)


def test_frechet_distance_agrees_with_an_independent_implementation(stored):
    """By the root of the product of both covariances, as published."""
    from scipy.linalg import sqrtm

    a, b = stored["fid_real"].astype(float), stored["fid_fake"].astype(float)
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.trace(sqrtm(cov_a @ cov_b).real)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(cov_a + cov_b) - 2 * root
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-4)


def test_frechet_distance_of_fewer_clips_than_features_is_exact():
    features = np.random.default_rng(0).normal(size=(4, 50))
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(features, features + 1) == pytest.approx(50, rel=1e-9)


def test_too_few_clips_for_a_covariance_are_refused(one_sentence):
    for other in (np.zeros((1, 4)), np.zeros((5, 3)), np.zeros(4)):
        with pytest.raises(ShapeError) as caught:
            frechet_distance(np.zeros((5, 4)), other)
        one_sentence(caught.value)


def test_psnr_and_ssim_have_closed_forms():
    truth = torch.full((2, 3, 24, 24), 0.4)
    assert psnr(mean_squared_error(truth + 0.1, truth)) == pytest.approx(20, abs=1e-5)
    assert psnr(0.0) == float("inf")
    # flat pictures: the contrast term is 1, the luminance term remains
    c1 = 1e-4
    expected = (2 * 0.4 * 0.5 + c1) / (0.4**2 + 0.5**2 + c1)
    assert float(ssim_map(truth + 0.1, truth).mean()) == pytest.approx(expected, abs=1e-5)
    assert float(ssim_map(truth, truth).min()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("corner", [(0, 0), (9, 14), (31, 36)])
def test_ssim_near_a_difference_is_that_of_whole_frames(rng, corner):
    from kornia.metrics import ssim

    truth = torch.rand(2, 3, 40, 44, generator=rng)
    result = truth.clone()
    y, x = corner
    result[1, :, y : y + 9, x : x + 8] = torch.rand(3, 9, 8, generator=rng)
    whole = ssim(result, truth, 11).mean(1, keepdim=True)
    torch.testing.assert_close(ssim_map(result, truth), whole, atol=1e-6, rtol=0)


def test_a_region_counts_only_its_own_pixels():
    truth = torch.zeros(1, 3, 8, 8)
    result, hole = truth.clone(), torch.zeros(1, 1, 8, 8)
    result[..., :4] = 0.5
    hole[..., :2] = 1
    assert mean_squared_error(result, truth) == pytest.approx(0.125)
    assert mean_squared_error(result, truth, hole) == pytest.approx(0.25)
    assert mean_squared_error(result, truth, 0 * hole) is None


def test_ssim_agrees_with_an_independent_implementation(rng):
    """The formula with scipy's Gaussian, truncated to 11 samples, per channel, without borders."""
    from scipy.ndimage import gaussian_filter

    a, b = (torch.rand(1, 3, 40, 44, generator=rng) for _ in range(2))
    ours = ssim_map(a, b)[0, 0, 6:-6, 6:-6].mean()

    def blurred(x):
        return gaussian_filter(x, 1.5, truncate=5 / 1.5, axes=(1, 2))

    x, y = a[0].double().numpy(), b[0].double().numpy()
    mx, my = blurred(x), blurred(y)
    vx, vy, c = blurred(x * x) - mx**2, blurred(y * y) - my**2, blurred(x * y) - mx * my
    map_ = (2 * mx * my + 1e-4) * (2 * c + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))
    assert float(ours) == pytest.approx(map_.mean(0)[6:-6, 6:-6].mean(), abs=1e-4)


def test_psnr_agrees_with_an_independent_implementation(rng):
    cv2 = pytest.importorskip("cv2")
    a, b = (torch.randint(0, 256, (3, 20, 30), generator=rng).byte() for _ in range(2))
    ours = psnr(mean_squared_error(a[None] / 255, b[None] / 255))
    assert ours == pytest.approx(cv2.PSNR(a.numpy(), b.numpy()), abs=1e-4)
