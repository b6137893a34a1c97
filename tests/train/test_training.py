"""Runs of a few steps: started, interrupted, resumed."""

import json
import pickle
from dataclasses import replace

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torch.nn.utils import convert_conv2d_weight_memory_format

from lgtsm.errors import OptionError, WeightsError
from lgtsm.models.build import build
from train.checkpoint import STATE, load_state, save_state
from train.data.batch import join
from train.data.sampling import Items
from train.data.sources import Library
from train.logs import read_csv
from train.loop import train, train_both
from train.process_group import ProcessGroup
from train.recipe import Schedule
from train.recipes import load_recipe
from train.report import BEST
from train.run import Run
from train.step import make_learner


def _run(recipe, folder, steps, **changes):
    values = {"recipe": recipe, "out": folder, "steps": steps}
    values |= {"num_workers": 0, "validate_items": 1, "log_steps": 1}
    return Run(**(values | changes))


def _header(folder):
    with safe_open(folder / STATE, "pt") as file:
        return file.metadata()


def _step(folder):
    return json.loads(_header(folder)["progress"])["step"]


def _losses(folder):
    return [(row["step"], row["total"]) for row in read_csv(folder / "log.csv")]


@pytest.fixture
def constant(quick_recipe):
    """The toy recipe at a constant rate, so that the length asked for does not matter."""
    stages = (
        replace(s, schedule=Schedule.CONSTANT) for s in (quick_recipe.stage1, quick_recipe.stage2)
    )
    first, second = stages
    return replace(quick_recipe, stage1=first, stage2=second)


@pytest.fixture
def held_out(monkeypatch):
    """Score on the training clips: the toy set is too small to hold any out."""
    monkeypatch.setattr(Library, "split", lambda self, ratio=0.1: (self, self))


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["stage1", "stage2"])
def test_ten_losses_after_a_resumption_equal_those_in_one_piece(
    stage, toy_library, constant, tmp_path
):
    whole = train(_run(constant, tmp_path / "a", 13, stage=stage), toy_library)
    train(_run(constant, tmp_path / "b", 3, stage=stage), toy_library)
    rest = train(_run(constant, tmp_path / "b", 13, resume=True, stage=stage), toy_library)
    assert _step(tmp_path / "b") == 13
    assert _losses(tmp_path / "a") == _losses(tmp_path / "b")
    assert len(_losses(tmp_path / "b")) == 13
    for a, b in zip(whole.parameters(), rest.parameters(), strict=True):
        assert torch.equal(a, b)


def test_resumed_moments_have_the_layout_of_their_weights(quick_recipe, tmp_path, rng):
    """Fused Adam on CUDA takes no others; a state on disk has no layout."""
    learners = []
    for _ in range(2):
        network = build(quick_recipe.network)
        convert_conv2d_weight_memory_format(network, torch.channels_last)
        learners.append(make_learner(network, quick_recipe.stage2, 0))
    before, after = learners
    for module, optimizer in (
        (before.network, before.optimizer),
        (before.adversary.discriminator, before.adversary.optimizer),
    ):
        for weight in module.parameters():
            values = torch.randn(weight.shape, generator=rng)
            weight.grad = torch.empty_like(weight).copy_(values)
        optimizer.step()
    save_state(tmp_path, before, quick_recipe, "stage2")
    load_state(tmp_path, after, quick_recipe, "stage2")
    pairs = (
        (before.optimizer, after.optimizer),
        (before.adversary.optimizer, after.adversary.optimizer),
    )
    for old, new in pairs:
        weights = zip(old.param_groups[0]["params"], new.param_groups[0]["params"], strict=True)
        for was, weight in weights:
            assert new.state[weight].keys() == old.state[was].keys()
            for name, value in new.state[weight].items():
                assert torch.equal(value, old.state[was][name])
                if name != "step":
                    assert value.stride() == weight.stride()


def test_resuming_a_run_that_is_over_changes_nothing(toy_library, quick_recipe, tmp_path):
    once = train(_run(quick_recipe, tmp_path, 2), toy_library)
    again = train(_run(quick_recipe, tmp_path, 2, resume=True), toy_library)
    for a, b in zip(once.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    assert _step(tmp_path) == 2


def test_nothing_to_resume_is_an_error(toy_library, quick_recipe, tmp_path, one_sentence):
    with pytest.raises(WeightsError, match="found none") as caught:
        train(_run(quick_recipe, tmp_path, 2, resume=True), toy_library)
    one_sentence(caught.value)


def test_a_run_does_not_overwrite_another(toy_library, quick_recipe, tmp_path, one_sentence):
    train(_run(quick_recipe, tmp_path / "stage2", 2), toy_library)
    files = {p: p.read_bytes() for p in (tmp_path / "stage2").iterdir() if p.is_file()}
    again = _run(quick_recipe, tmp_path / "stage2", 3)
    for call in (
        lambda: train(again, toy_library),
        lambda: train(replace(again, init=again.out), toy_library),
        lambda: train_both(_run(quick_recipe, tmp_path, 2), toy_library, None, ProcessGroup()),
    ):
        with pytest.raises(OptionError, match=r"--resume.*another --out") as caught:
            call()
        one_sentence(caught.value)
    assert {p: p.read_bytes() for p in files} == files
    assert not (tmp_path / "stage1").exists()  # refused at once, not after stage 1


def test_another_recipe_is_refused_with_the_fields_that_differ(
    toy_library, quick_recipe, tmp_path, one_sentence
):
    train(_run(quick_recipe, tmp_path, 1), toy_library)
    other = replace(quick_recipe, seed=5, data=replace(quick_recipe.data, jitter=0.2))
    with pytest.raises(OptionError, match=r"data\.jitter: 0\.1 -> 0\.2, seed: 0 -> 5") as caught:
        train(_run(other, tmp_path, 2, resume=True), toy_library)
    one_sentence(caught.value)
    with pytest.raises(OptionError, match="stage: stage1 -> stage2"):
        train(_run(quick_recipe, tmp_path, 2, resume=True, stage="stage2"), toy_library)


def test_a_run_ends_by_the_clock(toy_library, quick_recipe, tmp_path):
    run = _run(quick_recipe, tmp_path, None, minutes=1e-6)
    train(run, toy_library)
    assert _step(tmp_path) == 1


def test_a_run_has_one_length_and_one_starting_point(quick_recipe, tmp_path, one_sentence):
    for changes in ({"minutes": 1.0}, {"steps": None}, {"resume": True, "init": tmp_path}):
        with pytest.raises(OptionError) as caught:
            _run(quick_recipe, tmp_path, **({"steps": 2} | changes))
        one_sentence(caught.value)


def test_held_out_clips_are_scored_and_the_best_is_kept(
    toy_library, quick_recipe, tmp_path, held_out
):
    run = _run(quick_recipe, tmp_path, 2, validate_steps=1, picture_steps=1)
    train(run, toy_library)
    rows = read_csv(tmp_path / "validation.csv")
    assert [row["step"] for row in rows] == ["1", "2"]
    assert (tmp_path / BEST).is_file()
    for name in ("samples.png", "curves.png"):
        with Image.open(tmp_path / name) as image:
            assert len(image.convert("RGB").getcolors(1 << 24)) > 4
    with Image.open(tmp_path / "preview.webp") as preview:
        assert preview.n_frames == quick_recipe.data.num_frames
        assert preview.info["loop"] == 0


def test_both_stages_run_from_one_call_and_stage_2_starts_where_1_ended(
    toy_library, quick_recipe, tmp_path
):
    train_both(_run(quick_recipe, tmp_path, 2), toy_library, None, ProcessGroup())
    assert (_step(tmp_path / "stage1"), _step(tmp_path / "stage2")) == (2, 2)
    provenance = json.loads(_header(tmp_path / "stage2")["provenance"])
    [before] = provenance.pop("runs_before")
    assert (before.pop("stage"), before.pop("step")) == ("stage1", 2)
    assert provenance.pop("initialised_from") == "stage1"
    assert before == provenance  # neither stage had a network for its perceptual loss
    assert before["feature_network"] == "none"
    assert "perceptual (weight 1) left out" in before["left_out"]
    assert "discriminator" in read_csv(tmp_path / "stage2" / "log.csv")[0]
    train_both(_run(quick_recipe, tmp_path, 3, resume=True), toy_library, None, ProcessGroup())
    assert (_step(tmp_path / "stage1"), _step(tmp_path / "stage2")) == (2, 3)


def test_a_recipe_without_stage_2_says_so(toy_library, quick_recipe, tmp_path, one_sentence):
    recipe = replace(quick_recipe, stage2=None)
    for call in (
        lambda: train_both(_run(recipe, tmp_path, 2), toy_library, None, ProcessGroup()),
        lambda: train(_run(recipe, tmp_path, 2, stage="stage2"), toy_library),
    ):
        with pytest.raises(OptionError, match="refine_toy") as caught:
            call()
        one_sentence(caught.value)


def test_a_resumed_run_writes_over_the_state_it_was_read_from(
    windows_files, toy_library, quick_recipe, tmp_path
):
    train(_run(quick_recipe, tmp_path, 1), toy_library)
    train(_run(quick_recipe, tmp_path, 2, resume=True), toy_library)
    assert _step(tmp_path) == 2


@pytest.mark.parametrize("recipe", ["refine_toy", "lgtsm_small"])
def test_items_can_be_made_in_processes_that_inherit_nothing(recipe, toy_library):
    """Windows and macOS start worker processes anew: what they work with is pickled."""
    items = Items(toy_library, replace(load_recipe(recipe), data=load_recipe("refine_toy").data))
    again = pickle.loads(pickle.dumps((items, join)))[0]
    assert torch.equal(again[0].truth, items[0].truth)
