"""A run of two steps from pictures to a weight file."""

import csv
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open

from lgtsm.models.build import build
from lgtsm.models.refine import clip_evidence
from lgtsm.weights.load import load_model
from train.checkpoint import STATE, MovingAverage
from train.export import export, shrink_head
from train.initial import TARGET_STD, rescale_layers
from train.loop import Run, rate_at, train_stage1
from train.losses import refine_losses
from train.recipe import LossRecipe
from train.recipes import NAMES, load_recipe
from train.sampling import make_item
from train.sources import Library
from train.validate import validate


def _run(folder, steps, **changes):
    values = {"out": folder, "steps": steps, "num_workers": 0, "validate_items": 2}
    return Run(**(values | changes))


def _progress(folder):
    with safe_open(folder / STATE, "pt") as file:
        return file.metadata()["progress"]


def test_a_resumed_run_equals_one_in_one_piece(toy_library, toy_recipe, tmp_path):
    # a constant rate, so that the length that was asked for does not matter
    recipe = replace(toy_recipe, final_ratio=1.0)
    whole = train_stage1(toy_library, recipe, _run(tmp_path / "a", 3), None)
    train_stage1(toy_library, recipe, _run(tmp_path / "b", 1), None)
    rest = train_stage1(toy_library, recipe, _run(tmp_path / "b", 3, resume=True), None)
    assert '"step": 3' in _progress(tmp_path / "b")
    for a, b in zip(whole.parameters(), rest.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_resuming_a_run_that_is_over_changes_nothing(toy_library, toy_recipe, tmp_path):
    once = train_stage1(toy_library, toy_recipe, _run(tmp_path, 2), None)
    again = train_stage1(toy_library, toy_recipe, _run(tmp_path, 2, resume=True), None)
    for a, b in zip(once.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    assert '"step": 2' in _progress(tmp_path)


def test_nothing_to_resume_is_an_error(toy_library, toy_recipe, tmp_path):
    with pytest.raises(ValueError, match="found none"):
        train_stage1(toy_library, toy_recipe, _run(tmp_path, 2, resume=True), None)


def test_a_run_ends_by_the_clock(toy_library, toy_recipe, tmp_path):
    run = _run(tmp_path, None, minutes=1e-6)
    train_stage1(toy_library, toy_recipe, run, None)
    assert '"step": 1' in _progress(tmp_path)


def test_held_out_clips_are_scored(toy_library, toy_recipe, tmp_path, monkeypatch):
    both = (toy_library, toy_library)
    monkeypatch.setattr(Library, "split", lambda self, ratio=0.1: both)
    train_stage1(toy_library, toy_recipe, _run(tmp_path, 2, validate_steps=1), None)
    with (tmp_path / "validation.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert [int(row[0]) for row in rows] == [1, 2]


def test_an_exported_run_is_a_weight_file(toy_library, toy_recipe, tmp_path, monkeypatch):
    both = (toy_library, toy_library)
    monkeypatch.setattr(Library, "split", lambda self, ratio=0.1: both)
    trained = train_stage1(toy_library, toy_recipe, _run(tmp_path / "run", 2), None)
    assert '"step": 2' in _progress(tmp_path / "run")
    assert trained.trunk.layers()[-1].feature.weight.abs().sum() > 0
    assert all(torch.isfinite(p).all() for p in trained.parameters())
    assert not trained.training
    out = tmp_path / "net.safetensors"
    card = export(tmp_path / "run", toy_recipe, toy_library, out, licence="Apache-2.0")
    network = load_model(out)
    assert network.spec == toy_recipe.network
    assert card.provenance["steps"] == 2
    assert card.provenance["training_items"] == 3
    assert network.passed_dtypes == card.dtypes
    for a, b in zip(trained.parameters(), network.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-3, rtol=1e-3)


def test_the_fill_itself_has_a_loss_of_at_most_one(toy_library, toy_recipe):
    for number in range(4):
        item = make_item(toy_library, toy_recipe, number, 0)
        fill = item.evidence.fill
        losses = refine_losses(fill, fill, item.truth, item.holes, net=None, weights=LossRecipe())
        assert 0 < losses.l1 <= 1
        assert 0 < losses.l2 <= 1
        perfect = refine_losses(
            item.truth, fill, item.truth, item.holes, net=None, weights=LossRecipe()
        )
        assert perfect.total == 0


def test_a_clip_without_hole_has_no_loss(toy_library, toy_recipe):
    item = make_item(toy_library, toy_recipe, 0, 0)
    empty = torch.zeros_like(item.holes)
    losses = refine_losses(
        item.truth + 1, item.truth, item.truth, empty, net=None, weights=LossRecipe()
    )
    assert losses.total == 0


def test_an_untrained_network_equals_its_fill(toy_library, toy_recipe):
    network = build(toy_recipe.network).eval()
    items = [make_item(toy_library, toy_recipe, number, 0) for number in range(3)]
    for item in items:
        with torch.no_grad():
            stacked = network.encode(item.truth, item.holes, evidence=item.evidence)
            result = network.decode(network.trunk(stacked[None])[0], item.evidence)
        assert torch.equal(result, item.evidence.fill)
    assert validate(network, items, None).decibels == pytest.approx(0, abs=1e-3)


def test_rescaling_lets_a_signal_through_every_layer(toy_library, toy_recipe):
    network = build(toy_recipe.network)
    item = make_item(toy_library, toy_recipe, 0, 0)
    stacked = network.encode(item.truth, item.holes, evidence=item.evidence)[None]
    stds = rescale_layers(network.trunk, stacked)
    names = list(stds)
    assert all(stds[name] == pytest.approx(TARGET_STD, rel=0.1) for name in names[:-1])
    assert stds[names[-1]] == 0


def test_the_learning_rate_warms_up_and_anneals(toy_recipe):
    peak, warm = toy_recipe.learning_rate, toy_recipe.warmup_steps
    assert rate_at(toy_recipe, 0, 0.0) == pytest.approx(peak / warm)
    assert rate_at(toy_recipe, warm, 0.0) == pytest.approx(peak)
    assert rate_at(toy_recipe, 10**6, 1.0) == pytest.approx(peak * toy_recipe.final_ratio)
    assert rate_at(toy_recipe, 10**6, 7.0) == pytest.approx(peak * toy_recipe.final_ratio)


def test_the_average_follows_the_network():
    layer = torch.nn.Linear(2, 2)
    average = MovingAverage(layer, 0.9)
    with torch.no_grad():
        layer.weight.fill_(5.0)
    for step in range(200):
        average.update(layer, step)
    assert torch.allclose(average.values["weight"], layer.weight, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_builds_a_network(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert build(recipe.network).spec == recipe.network


def test_an_unknown_recipe_is_an_error():
    with pytest.raises(ValueError, match="no_such"):
        load_recipe("no_such")


def test_a_shrunken_head_takes_a_part_of_the_step_from_the_fill(tiny_network, toy_clip, toy_holes):
    near, far = tiny_network.spec.references, tiny_network.spec.far
    fill = clip_evidence(toy_clip, toy_holes, near, far).fill
    whole = tiny_network(toy_clip[None], toy_holes[None])[0]
    shrink_head(tiny_network, 0.25)
    part = tiny_network(toy_clip[None], toy_holes[None])[0]
    assert (whole - fill).abs().max() > 1e-3
    torch.testing.assert_close(part, fill + 0.25 * (whole - fill), atol=1e-5, rtol=1e-4)
