"""Runs of a few steps: begun, interrupted, resumed, in parts."""

import copy
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import safe_open

from lgtsm.errors import OptionError, WeightsError
from lgtsm.models.build import build
from train.average import MovingAverage
from train.checkpoint import STATE
from train.export import averaged
from train.initial import TARGET_STD, initialise, rescale_layers
from train.loop import BEST, train
from train.losses.refine import refine_losses
from train.objective import predict
from train.recipe import Initial, RatioLosses, Schedule, Stage
from train.recipes import NAMES, load_recipe
from train.records import read_table
from train.run import Run
from train.sampling import Items, join
from train.schedule import rate_at
from train.sources import Library
from train.stages import train_both
from train.step import Stepper, make_learner
from train.validate import validate
from train.world import World

ROOT = Path(__file__).parents[2]


def _run(folder, steps, **changes):
    values = {"out": folder, "steps": steps, "num_workers": 0, "validate_items": 2, "log_steps": 1}
    return Run(**(values | changes))


def _header(folder):
    with safe_open(folder / STATE, "pt") as file:
        return file.metadata()


def _step(folder):
    return json.loads(_header(folder)["progress"])["step"]


def _losses(folder):
    return [(row["step"], row["total"]) for row in read_table(folder / "log.csv")]


@pytest.fixture
def constant(toy_recipe):
    """The toy recipe at a constant rate, so that the length asked for does not matter."""
    stages = (
        replace(s, schedule=Schedule.CONSTANT) for s in (toy_recipe.stage1, toy_recipe.stage2)
    )
    first, second = stages
    return replace(toy_recipe, stage1=first, stage2=second)


@pytest.fixture
def held_out(monkeypatch):
    """Score on the training clips: the toy set is too small to hold any out."""
    monkeypatch.setattr(Library, "split", lambda self, ratio=0.1: (self, self))


@pytest.mark.parametrize("stage", ["stage1", "stage2"])
def test_ten_losses_after_a_resumption_equal_those_in_one_piece(
    stage, toy_library, constant, tmp_path
):
    whole = train(toy_library, constant, stage, _run(tmp_path / "a", 13), None)
    train(toy_library, constant, stage, _run(tmp_path / "b", 3), None)
    rest = train(toy_library, constant, stage, _run(tmp_path / "b", 13, resume=True), None)
    assert _step(tmp_path / "b") == 13
    assert _losses(tmp_path / "a") == _losses(tmp_path / "b")
    assert len(_losses(tmp_path / "b")) == 13
    for a, b in zip(whole.parameters(), rest.parameters(), strict=True):
        assert torch.equal(a, b)


def test_resuming_a_run_that_is_over_changes_nothing(toy_library, toy_recipe, tmp_path):
    once = train(toy_library, toy_recipe, "stage1", _run(tmp_path, 2), None)
    again = train(toy_library, toy_recipe, "stage1", _run(tmp_path, 2, resume=True), None)
    for a, b in zip(once.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    assert _step(tmp_path) == 2


def test_nothing_to_resume_is_an_error(toy_library, toy_recipe, tmp_path, one_sentence):
    with pytest.raises(WeightsError, match="found none") as caught:
        train(toy_library, toy_recipe, "stage1", _run(tmp_path, 2, resume=True), None)
    one_sentence(caught.value)


def test_another_recipe_is_refused_with_the_fields_that_differ(
    toy_library, toy_recipe, tmp_path, one_sentence
):
    train(toy_library, toy_recipe, "stage1", _run(tmp_path, 1), None)
    other = replace(toy_recipe, seed=5, data=replace(toy_recipe.data, jitter=0.2))
    with pytest.raises(OptionError, match=r"data\.jitter: 0\.1 -> 0\.2; seed: 0 -> 5") as caught:
        train(toy_library, other, "stage1", _run(tmp_path, 2, resume=True), None)
    one_sentence(caught.value)
    with pytest.raises(OptionError, match="stage: stage1 -> stage2"):
        train(toy_library, toy_recipe, "stage2", _run(tmp_path, 2, resume=True), None)


def test_a_run_ends_by_the_clock(toy_library, toy_recipe, tmp_path):
    run = _run(tmp_path, None, minutes=1e-6)
    train(toy_library, toy_recipe, "stage1", run, None)
    assert _step(tmp_path) == 1


def test_a_run_has_one_length_and_one_beginning(tmp_path, one_sentence):
    for changes in ({"minutes": 1.0}, {"steps": None}, {"resume": True, "init": tmp_path}):
        with pytest.raises(OptionError) as caught:
            _run(tmp_path, **({"steps": 2} | changes))
        one_sentence(caught.value)


def test_held_out_clips_are_scored_and_the_best_is_kept(
    toy_library, toy_recipe, tmp_path, held_out
):
    run = _run(tmp_path, 2, validate_steps=1, picture_steps=1)
    train(toy_library, toy_recipe, "stage1", run, None)
    rows = read_table(tmp_path / "validation.csv")
    assert [row["step"] for row in rows] == ["1", "2"]
    assert (tmp_path / BEST).is_file()
    for name in ("samples.png", "curves.png"):
        with Image.open(tmp_path / name) as image:
            assert len(image.convert("RGB").getcolors(1 << 24)) > 4
    with Image.open(tmp_path / "preview.webp") as preview:
        assert preview.n_frames == toy_recipe.data.num_frames
        assert preview.info["loop"] == 0


def test_parts_of_a_batch_give_the_gradients_of_the_whole(toy_library, toy_recipe):
    stage = replace(toy_recipe.stage2, clip_norm=0.0)
    recipe = replace(toy_recipe, stage2=stage)
    items = Items(toy_library, recipe)
    batch = join([items[i] for i in range(4)])
    moments = []
    network = build(recipe.network)
    initialise(network, Initial.LSUV, batch, 0)
    for most in (None, 1):
        learner = make_learner(copy.deepcopy(network), stage, 0)
        losses = Stepper(learner, None, World(), most_items=most)(batch, 1e-3)
        both = (learner.optimizer, learner.critic_optimizer)
        moments.append([s["exp_avg"] for o in both for s in o.state.values()])
        assert losses["total"] > 0
    for a, b in zip(*moments, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-7)


def test_a_step_that_is_not_finite_is_skipped_and_counted(toy_library, toy_recipe):
    items = Items(toy_library, toy_recipe)
    network = build(toy_recipe.network)
    learner = make_learner(network, toy_recipe.stage2, 0)
    stepper = Stepper(learner, None, World())
    stepper(items[0], 1e-3)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    bad = dataclasses.replace(items[1], truth=items[1].truth * float("nan"))
    stepper(bad, 1e-3)
    assert learner.skipped == 1
    assert learner.step == 2
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key])
    assert torch.isfinite(torch.tensor(stepper(items[2], 1e-3)["total"]))


def test_both_stages_run_from_one_call_and_stage_2_begins_where_1_ended(
    toy_library, toy_recipe, tmp_path
):
    train_both(toy_library, toy_recipe, _run(tmp_path, 2), None, World())
    assert (_step(tmp_path / "stage1"), _step(tmp_path / "stage2")) == (2, 2)
    assert json.loads(_header(tmp_path / "stage2")["notes"]) == {"initialised_from": "stage1"}
    assert "critic" in read_table(tmp_path / "stage2" / "log.csv")[0]
    train_both(toy_library, toy_recipe, _run(tmp_path, 3, resume=True), None, World())
    assert (_step(tmp_path / "stage1"), _step(tmp_path / "stage2")) == (2, 3)


def test_a_recipe_without_stage_2_says_so(toy_library, toy_recipe, tmp_path, one_sentence):
    recipe = replace(toy_recipe, stage2=None)
    for call in (
        lambda: train_both(toy_library, recipe, _run(tmp_path, 2), None, World()),
        lambda: train(toy_library, recipe, "stage2", _run(tmp_path, 2), None),
    ):
        with pytest.raises(OptionError, match="refine_toy") as caught:
            call()
        one_sentence(caught.value)


def _start(module_args, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", *module_args],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _words(library, out, *more):
    words = ["--data", str(library.root), "--out", str(out), "--recipe", "refine_toy"]
    return [*words, "--workers", "0", "--log-steps", "1", *more]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_writes_the_state_and_ends_the_run(number, toy_library, tmp_path):
    words = _words(toy_library, tmp_path / "run", "--minutes", "5")
    process = _start(["train", "stage1", *words])
    log = tmp_path / "run" / "log.csv"
    while process.poll() is None and len(read_table(log)) < 2:
        time.sleep(0.1)
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    steps = _step(tmp_path / "run")
    assert steps >= 2
    assert int(read_table(log)[-1]["step"]) == steps


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "stage"), [("refine_toy", "stage2"), ("lgtsm_small", "stage1")])
def test_two_processes_give_the_losses_of_one(recipe, stage, toy_library, tmp_path):
    words = ["--steps", "3", "--batch", "2", "--recipe", recipe, "--width", "4", "--size", "64"]
    for name, start in (
        ("one", ["train"]),
        ("two", ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "train"]),
    ):
        process = _start([*start, stage, *_words(toy_library, tmp_path / name, *words)])
        out, _ = process.communicate(timeout=240)
        assert process.returncode == 0, out
    one, two = (read_table(tmp_path / name / "log.csv") for name in ("one", "two"))
    assert len(one) == len(two) == 3
    for a, b in zip(one, two, strict=True):
        for key in a.keys() - {"seconds"}:
            assert float(a[key]) == pytest.approx(float(b[key]), rel=1e-4), key


def test_a_full_disk_leaves_the_last_state_whole(toy_library, tmp_path):
    resource = pytest.importorskip("resource")
    out = tmp_path / "run"
    words = _words(toy_library, out)
    process = _start(["train", "stage1", *words, "--steps", "2"])
    assert process.communicate(timeout=120)
    before = (out / STATE).read_bytes()
    limit = len(before) // 2
    code = (
        "import resource, signal, sys\n"
        "from train.__main__ import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {resource.RLIM_INFINITY}))\n"
        "raise SystemExit(main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", code, "stage1", *words, "--steps", "4", "--resume"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    assert "Expected room for state.safetensors" in done.stderr
    assert (out / STATE).read_bytes() == before
    assert [p.name for p in out.iterdir() if "partial" in p.name] == []


def test_the_fill_itself_has_a_loss_of_at_most_one(toy_library, toy_recipe):
    items = Items(toy_library, toy_recipe)
    for number in range(4):
        item = items[number]
        fill, truth, holes = item.evidence.fill, item.truth[0], item.holes[0]
        losses = refine_losses(fill, fill, truth, holes, net=None, weights=RatioLosses())
        assert 0 < losses.l1 <= 1
        assert 0 < losses.l2 <= 1
        perfect = refine_losses(truth, fill, truth, holes, net=None, weights=RatioLosses())
        assert perfect.total == 0


def test_a_clip_without_hole_has_no_loss(toy_library, toy_recipe):
    truth = Items(toy_library, toy_recipe)[0].truth[0]
    empty = torch.zeros_like(truth[:, :1])
    losses = refine_losses(truth + 1, truth, truth, empty, net=None, weights=RatioLosses())
    assert losses.total == 0


def test_an_untrained_refining_network_equals_its_fill(toy_library, toy_recipe):
    network = build(toy_recipe.network).eval()
    items = Items(toy_library, toy_recipe)
    batches = [items[number] for number in range(3)]
    for item in batches:
        with torch.no_grad():
            assert torch.equal(predict(network, item).raw[0], item.evidence.fill)
    assert validate(network, batches, None).gain == pytest.approx(0, abs=1e-3)


def test_rescaling_lets_a_signal_through_every_layer(toy_library, toy_recipe):
    network = build(toy_recipe.network)
    item = Items(toy_library, toy_recipe)[0]
    initialise(network, Initial.SCALED, item, 0)
    stds = rescale_layers(network, item)
    names = list(stds)
    assert all(stds[name] == pytest.approx(TARGET_STD, rel=0.1) for name in names[:-1])
    assert stds[names[-1]] == 0


def test_first_weights_are_decided_by_the_seed(toy_library, toy_recipe):
    item = Items(toy_library, toy_recipe)[0]
    made = []
    for seed in (1, 1, 2):
        network = build(toy_recipe.network)
        initialise(network, Initial.LSUV, item, seed)
        made.append(network.trunk.layers()[3].feature.weight)
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_the_learning_rate_warms_up_and_anneals():
    stage = Stage(learning_rate=1e-3, warmup_steps=10, final_ratio=0.1)
    assert rate_at(stage, 0, 0.0) == pytest.approx(1e-4)
    assert rate_at(stage, 10, 0.0) == pytest.approx(1e-3)
    assert rate_at(stage, 10**6, 1.0) == pytest.approx(1e-4)
    assert rate_at(stage, 10**6, 7.0) == pytest.approx(1e-4)
    flat = replace(stage, schedule=Schedule.CONSTANT)
    assert rate_at(flat, 10**6, 1.0) == pytest.approx(1e-3)


def test_the_average_follows_the_network():
    layer = torch.nn.Linear(2, 2)
    average = MovingAverage(layer, 0.9)
    with torch.no_grad():
        layer.weight.fill_(5.0)
    for step in range(200):
        average.update(layer, step)
    assert torch.allclose(average.values["weight"], layer.weight, atol=1e-3)
    own = layer.bias.clone()
    average.values["bias"] = own + 1
    with average.lent_to(layer):
        assert torch.equal(layer.bias, own + 1)
    assert torch.equal(layer.bias, own)


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_makes_a_step_of_each_stage(name, toy_library):
    recipe = load_recipe(name)
    assert recipe.name == name
    trunk = recipe.network.trunk
    if hasattr(trunk, "width"):
        recipe = replace(recipe, network=replace(recipe.network, trunk=replace(trunk, width=4)))
    recipe = replace(
        recipe, data=replace(recipe.data, num_frames=3, size=64, width=0, still_ratio=0.5)
    )
    item = Items(toy_library, recipe)[0]
    for stage in (recipe.stage1, recipe.stage2):
        if stage is None:
            continue
        if stage.adversary is not None:
            adversary = stage.adversary
            small = replace(adversary, critic=replace(adversary.critic, width=2))
            stage = replace(stage, adversary=small)
        network = build(recipe.network)
        initialise(network, recipe.initial, item, 0)
        before = [p.clone() for p in network.parameters()]
        learner = make_learner(network, stage, 0)
        stepper = Stepper(learner, None, World())
        losses = stepper(item, 1e-3)
        assert losses["total"] > 0
        assert learner.skipped == 0
        assert ("critic" in losses) == (stage.adversary is not None)
        changed = [not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True)]
        assert any(changed)


def test_an_unknown_recipe_is_an_error(one_sentence):
    with pytest.raises(OptionError, match="no_such") as caught:
        load_recipe("no_such")
    one_sentence(caught.value)


@pytest.mark.slow
def test_one_command_learns_a_clip_by_heart(toy_library, tmp_path):
    """Both stages, interrupted and resumed, end three decibels above the fill they start from."""
    kept = [clip for clip in toy_library.clips if clip.source == "walk"]
    index = {"clips": [dataclasses.asdict(clip) for clip in kept], "masks": []}
    (toy_library.root / "index.json").write_text(json.dumps(index), encoding="utf-8")
    recipe = load_recipe("refine_overfit")
    words = _words(toy_library, tmp_path, "--recipe", "refine_overfit", "--steps", "60")
    process = _start(["train", "all", *words])
    second = tmp_path / "stage2" / "log.csv"
    while process.poll() is None and len(read_table(second)) < 5:
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=120) == 0
    assert _step(tmp_path / "stage2") < 60
    process = _start(["train", "all", *words, "--resume"])
    out, _ = process.communicate(timeout=240)
    assert process.returncode == 0, out
    items = Items(Library(toy_library.root, tuple(kept)), recipe)
    for stage in ("stage1", "stage2"):
        learner = averaged(tmp_path / stage, recipe, stage)
        assert learner.step == 60
        assert validate(learner.network, [items[0], items[1]], None).gain > 3
