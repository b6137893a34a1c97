"""All figures of one result, and which of them are omitted when."""

import math
from dataclasses import replace

import pytest
import torch

from lgtsm.evaluate.score.cases import Material
from lgtsm.evaluate.score.cells import Cells
from lgtsm.evaluate.score.columns import COLUMNS
from lgtsm.evaluate.score.measure import Evaluator, Networks
from lgtsm.evaluate.score.methods import Kind, Method
from lgtsm.evaluate.score.unseen import find_unseen


@pytest.fixture
def material(toy_clip, toy_holes):
    own = torch.zeros_like(toy_holes)
    own[..., :24, :] = 1
    return Material(frames=toy_clip, holes=toy_holes, truth=toy_clip, own=own, floor=None)


@pytest.fixture
def moving_case(rng):
    """Return a panned texture, and a hole that every other frame shows."""
    texture = torch.rand(1, 3, 16, 60, generator=rng)
    texture = torch.nn.functional.interpolate(texture, scale_factor=4, mode="bicubic")[0].clamp(
        0, 1
    )
    frames = torch.stack([texture[..., 4 * t : 4 * t + 96] for t in range(8)])
    holes = torch.zeros(8, 1, 64, 96)
    holes[..., 24:40, 40:48] = 1
    return frames, holes


def test_the_truth_is_perfect(material):
    figures = Evaluator(material, Networks()).measure(material.truth)
    assert figures["psnr"] == figures["psnr_frame"] == math.inf
    assert figures["ssim"] == pytest.approx(1, abs=1e-5)
    assert figures["residual"] == pytest.approx(1, abs=1e-6)
    assert figures["psnr_by_frame"] == [math.inf] * 8


def test_regions_are_measured_separately(material):
    error = torch.where(material.own > 0, 0.1, 0.2) * material.holes
    figures = Evaluator(material, Networks()).measure(material.truth + error)
    assert figures["psnr_moving"] == pytest.approx(20, abs=1e-3)
    assert figures["psnr_background"] == pytest.approx(-20 * math.log10(0.2), abs=1e-3)
    share = float((material.holes * material.own).sum() / material.holes.sum())
    pooled = -10 * math.log10(share * 0.01 + (1 - share) * 0.04)
    assert figures["psnr"] == pytest.approx(pooled, abs=1e-3)
    whole = pooled - 10 * math.log10(float(material.holes.mean()))
    assert figures["psnr_frame"] == pytest.approx(whole, abs=1e-3)


def test_a_worse_fill_is_worse_in_every_figure_with_a_direction(material, rng):
    evaluator = Evaluator(material, Networks(), publishes=True)
    noise = torch.randn(material.frames.shape, generator=rng) * material.holes
    mild, strong = (
        evaluator.measure((material.frames + s * noise).clamp(0, 1)) for s in (0.05, 0.2)
    )
    compared = set()
    for name, column in COLUMNS.items():
        if column.is_higher_better is not None and mild.get(name) is not None:
            compared.add(name)
            assert (mild[name] > strong[name]) == column.is_higher_better, name
    assert {"psnr", "ssim", "ssim_frame", "mse_published", "ssim_published"} <= compared
    assert strong["flicker"] > mild["flicker"] > 1
    assert strong["seam"] > mild["seam"]


def test_a_cell_depends_on_everything_that_was_measured(material, tmp_path):
    cells = Cells(tmp_path)
    method = Method(name="mean", kind=Kind.SIMPLE)
    first = cells.key(method, material, "")
    assert first == cells.key(method, replace(material), "")
    others = {
        cells.key(method, replace(material, own=None), ""),
        cells.key(method, replace(material, shown=material.holes), ""),
        cells.key(method, replace(material, frames=material.masked), ""),
        cells.key(method, material, "other"),
    }
    assert len(others | {first}) == 5


def test_without_truth_only_no_reference_figures_are_measured(material):
    figures = Evaluator(replace(material, truth=None), Networks()).measure(material.frames)
    regions = {"sharpness", "sharpness_unseen", "flicker", "flicker_unseen"}
    assert set(figures) == {"seam", "residual"} | regions


@pytest.mark.slow
def test_what_no_frame_shows_is_measured_apart(rng):
    """A texture that stands still in the left half, and moves behind a fixed hole in the right half."""
    texture = torch.rand(3, 64, 200, generator=rng)
    frames = torch.stack(
        [
            torch.cat([texture[..., :64], texture[..., 64 + 6 * t : 128 + 6 * t]], -1)
            for t in range(8)
        ]
    )
    holes = torch.zeros(8, 1, 64, 128)
    holes[..., 16:48, 16:48] = 1
    holes[..., 24:40, 92:104] = 1
    unseen = find_unseen(frames * (1 - holes), holes)
    assert unseen[..., :64].sum() == holes[..., :64].sum()
    evaluator = Evaluator(
        Material(frames=frames, holes=holes, truth=frames, own=None, floor=None), Networks()
    )
    truth = evaluator.measure(frames)
    blurred = evaluator.measure(torch.where(holes > 0, 0.5, frames))
    assert truth["sharpness_truth"] == 1
    assert truth["sharpness_unseen"] == pytest.approx(1, abs=0.1)
    assert blurred["sharpness_truth"] < 0.02
    assert blurred["sharpness_unseen"] < 0.02


def test_where_every_pixel_is_shown_nothing_is_measured_as_unseen(moving_case):
    frames, holes = moving_case
    figures = Evaluator(
        Material(frames=frames, holes=holes, truth=frames, own=None, floor=None), Networks()
    ).measure(frames)
    assert figures["sharpness_unseen"] is figures["flicker_unseen"] is None


def test_without_annotation_nothing_is_called_background(material):
    figures = Evaluator(replace(material, own=None), Networks()).measure(material.frames)
    assert figures["psnr_background"] is figures["psnr_moving"] is None


@pytest.mark.slow
def test_published_figures_are_added_only_on_request(material):
    assert "mse_published" not in Evaluator(material, Networks()).measure(material.frames)
    figures = Evaluator(material, Networks(), publishes=True).measure(material.frames)
    assert figures["mse_published"] == 0


def test_lpips_is_the_mean_over_frames(material):
    networks = Networks(lpips=lambda a, b: (a - b).abs().mean((1, 2, 3)))
    result = material.frames + 0.1 * material.holes
    figures = Evaluator(material, networks).measure(result)
    assert figures["lpips"] == pytest.approx(0.1 * float(material.holes.mean()), rel=1e-3)


def test_cached_features_of_the_truth_give_the_same_figures(material, monkeypatch):
    from lgtsm.evaluate.score import measure
    from lgtsm.metrics.perceptual import distance_of_features

    def features(frames):
        return [frames, frames[..., ::2, ::2].square()]

    result = material.frames + 0.1 * material.holes
    step = measure.PERCEPTUAL_STEP
    expected = [
        float(distance_of_features(features(a[None]), features(b[None])))
        for a, b in zip(result[::step], material.truth[::step], strict=True)
    ]
    for kept in (6, 0):
        monkeypatch.setattr(measure, "_KEPT_FRAMES", kept)
        evaluator = Evaluator(material, Networks(features=features))
        for _ in range(2):
            figure = evaluator.measure(result)["perceptual"]
            assert figure == pytest.approx(sum(expected) / len(expected))
