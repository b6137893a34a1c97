"""Networks that align, paint and carry frames on the trainer of all others: items, steps, whole runs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import grid_sample

from lgtsm.errors import OptionError, WeightsError
from lgtsm.models.build import build
from lgtsm.models.neighbour_spec import CpnSpec, DfpnSpec, GuidedSpec
from lgtsm.models.neighbours.frames import grow_cross, to_pixels
from lgtsm.models.neighbours.vgg import VggPools
from lgtsm.models.spec import PAINTERS, ChnSpec
from lgtsm.weights.header import Card
from lgtsm.weights.load import load_model
from lgtsm.weights.neighbours import load_aligner, load_carrier
from lgtsm.weights.save import save_model
from tests.models.neighbours.published_state import formula_network
from tests.models.neighbours.vectors import Vectors
from train.__main__ import main
from train.data.batch import join
from train.data.sampling import Items
from train.data.sources import Library
from train.logs import read_csv
from train.loop import train
from train.losses.perceptual import Vgg16
from train.recipe import Initialisation, Schedule
from train.recipes import load_recipe
from train.run import Run
from train.step import seeded
from train.tools.export import Terms, export
from train.validate import compared

NETWORKS = {
    "dfpn": DfpnSpec(width=16, side=64),
    "chn": replace(PAINTERS["chn"], trunk=ChnSpec(num_blocks=1)),
    "guided": GuidedSpec(num_blocks=1, num_cross=1, side=2, fourier=False),
}
SIZES = {"dfpn": 64, "chn": 32, "guided": 32}
LOSSES = {
    "dfpn": {"correlation", "flow_16", "flow_64", "flow_256", "aligned_64", "aligned_256"},
    "chn": {"known", "shown", "unseen", "perceptual", "gradient"},
    "guided": {"l1", "adversarial", "features", "discriminator"},
}


@pytest.fixture(scope="module")
def vgg():
    with seeded(0):
        return Vgg16(VggPools(5).state_dict())


def _toy(name, **changes):
    """Return the recipe with a small network, one item and a constant rate."""
    recipe = load_recipe(name)
    values = {"batch": 1, "schedule": Schedule.CONSTANT, "warmup_steps": 1, "clip_norm": 1.0}
    return replace(
        recipe,
        network=NETWORKS[name],
        initialisation=Initialisation.SCALED,
        data=replace(recipe.data, size=SIZES[name], num_items=1),
        stage1=replace(recipe.stage1, **values | changes),
    )


def _run(recipe, out, steps, **changes):
    values = {"num_workers": 0, "validate_items": 2, "log_steps": 1}
    return Run(recipe=recipe, out=out, steps=steps, **values | changes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "steps", "rate", "watched"),
    [
        ("dfpn", 26, 3e-3, ("flow_16", "total")),
        ("chn", 25, 5e-4, ("total",)),
        ("guided", 12, 1e-3, ("l1",)),
    ],
)
def test_an_item_is_learnt_by_heart(name, steps, rate, watched, vgg, toy_library, tmp_path):
    net = None if name == "guided" else vgg
    train(_run(_toy(name, learning_rate=rate), tmp_path, steps), toy_library, net)
    rows = read_csv(tmp_path / "log.csv")
    assert rows[0].keys() >= LOSSES[name] | {"total", "rate"}
    for loss in watched:
        assert float(rows[-1][loss]) < 0.6 * float(rows[0][loss]), loss


def test_the_rest_of_a_resumed_run_equals_the_whole(toy_library, tmp_path):
    recipe = _toy("chn")
    whole = train(_run(recipe, tmp_path / "a", 4), toy_library)
    train(_run(recipe, tmp_path / "b", 2), toy_library)
    rest = train(_run(recipe, tmp_path / "b", 4, resume=True), toy_library)
    a, b = ([row["total"] for row in read_csv(tmp_path / x / "log.csv")] for x in "ab")
    assert a == b
    for p, q in zip(whole.parameters(), rest.parameters(), strict=True):
        assert torch.equal(p, q)


@pytest.mark.slow
def test_a_discriminator_is_saved_and_resumed_with_its_network(toy_library, tmp_path):
    recipe = _toy("guided")
    train(_run(recipe, tmp_path, 1), toy_library)
    with torch.random.fork_rng():
        train(_run(recipe, tmp_path, 2, resume=True), toy_library)
    assert [row["step"] for row in read_csv(tmp_path / "log.csv")] == ["1", "2"]
    adversary = replace(recipe.stage1.adversary, penalty=1.0)
    other = replace(recipe, stage1=replace(recipe.stage1, adversary=adversary))
    with pytest.raises(OptionError, match=r"adversary\.penalty: 0\.001 -> 1"):
        train(_run(other, tmp_path, 3, resume=True), toy_library)


def test_rates_follow_the_published_schedules():
    stage = load_recipe("chn").stage1
    rates = [stage.learning_rate_at(s, 0.5, num_steps=s) for s in (0, 99_999, 100_000)]
    assert rates == [1e-4, 1e-4, 5e-5]
    guided = load_recipe("guided").stage1
    rates = [guided.learning_rate_at(s, s / 1e6) / 1.6e-4 for s in (499, 999, 1_000_000)]
    assert rates == pytest.approx([0.5, 1, 1e-4], rel=1e-4)


@pytest.mark.parametrize("shrink_ratio", [0.0, 1.0])
@pytest.mark.parametrize("number", [0, 1, 5])
def test_items_know_their_motion(number, shrink_ratio, toy_library):
    recipe = load_recipe("guided")
    data = replace(recipe.data, size=96, shrink_ratio=shrink_ratio)
    item = Items(toy_library, replace(recipe, data=data))[number]
    assert item.flow.shape == (1, 2, 2, 96, 96)
    grid = item.flow[0].permute(0, 2, 3, 1)
    back = grid_sample(item.views.references[0], grid, align_corners=True)
    inside = (grid.abs() < 0.9).all(-1)[:, None]
    pairs = (back, item.views.references[0])
    error, unmoved = (((x - item.target[0]).abs() * inside).mean() for x in pairs)
    assert error < 0.35 * unmoved


def test_items_are_the_same_whichever_process_makes_them(toy_library):
    items = Items(toy_library, load_recipe("dfpn_small"))
    first, again, other = items[7], items[7], items[8]
    for name in ("truth", "holes", "flow"):
        assert torch.equal(getattr(first, name), getattr(again, name))
        assert not torch.equal(getattr(first, name), getattr(other, name))
    both = join([first, other])
    assert torch.equal(both.part(1, 2).flow, other.flow)
    assert torch.equal(both.to(torch.device("cpu")).flow, both.flow)


def test_an_aligner_is_scored_against_the_reference_as_it_is(toy_library, monkeypatch):
    recipe = replace(load_recipe("dfpn_small"), network=DfpnSpec(width=2, side=64))
    item = Items(toy_library, recipe)[0]
    network = build(recipe.network).eval()
    found = network(item.views)
    perfect = replace(found, flow=item.flow)
    monkeypatch.setattr(type(network), "forward", lambda self, views: perfect)
    result = compared(network, item)
    assert result.part.truth.shape == (1, 1, 3, 64, 64)
    inside = result.part.holes
    assert 0 < inside.sum() <= item.target[1].sum()
    error, unmoved = (
        ((x - result.part.truth).abs() * inside).sum() for x in (result.composed, result.baseline)
    )
    assert error < 0.5 * unmoved
    assert torch.equal(result.composed * (1 - inside), result.part.truth * (1 - inside))


@pytest.mark.slow
def test_chn_learns_from_what_an_aligner_brings(toy_library, tmp_path, one_sentence):
    spec = CpnSpec(whole=False)
    path = tmp_path / "aligner.safetensors"
    save_model(formula_network(spec), path, Card(spec=spec, licence="research-only"))
    losses = []
    for folder, aligner in (("known", None), ("aligned", path)):
        run = _run(_toy("chn"), tmp_path / folder, 1, aligner=aligner)
        train(run, toy_library)
        losses.append(read_csv(run.out / "log.csv")[0])
    assert losses[0]["shown"] != losses[1]["shown"]
    with pytest.raises(OptionError, match="descends from research-only weights") as caught:
        export(run.out, run.recipe, toy_library, tmp_path / "new.safetensors", Terms())
    one_sentence(caught.value)
    with pytest.raises(OptionError, match="Expected the recipe chn with --aligner") as caught:
        train(_run(_toy("guided"), tmp_path / "no", 1, aligner=path), toy_library)
    one_sentence(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dfpn", "guided", "chn"])
def test_exported_weights_are_loaded_where_they_belong(name, vgg, toy_library, tmp_path):
    recipe = _toy(name)
    run = _run(recipe, tmp_path / "run", 1)
    network = train(run, toy_library, vgg if name == "dfpn" else None)
    new = tmp_path / "new.safetensors"
    card = export(run.out, recipe, toy_library, new, Terms())
    assert (card.spec, card.dtypes) == (recipe.network, ())
    load = {"dfpn": load_aligner, "guided": load_carrier, "chn": load_model}[name]
    for key, value in load(new).state_dict().items():
        assert torch.equal(value, network.state_dict()[key].half().float())
    folder = tmp_path / "hub"
    export(run.out, recipe, toy_library, folder, Terms())
    where = {"dfpn": "--aligner-model", "guided": "--carrier-model", "chn": "load_model"}[name]
    assert where in (folder / "README.md").read_text(encoding="utf-8")
    again = _run(recipe, tmp_path / "again", 1, init=new)
    train(again, toy_library, None)  # a DFPN has its features already
    with pytest.raises(OptionError, match="Expected strength 1"):
        export(run.out, recipe, toy_library, new, Terms(strength=0.5))


def test_held_out_items_are_scored_and_shown(toy_library, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(Library, "split", lambda self, ratio=0.1: (self, self))
    train(_run(_toy("chn"), tmp_path, 1, picture_steps=1), toy_library)
    assert "perceptual (weight 0.5) left out" in caplog.text
    assert "pass VGG-16" in caplog.text
    [row] = read_csv(tmp_path / "validation.csv")
    assert 3 < float(row["psnr"]) < 40
    for name in ("samples.png", "preview.webp", "best.safetensors"):
        assert (tmp_path / name).is_file()


@pytest.fixture
def vgg_file(tmp_path):
    """Return a file with the first ten convolutions of a VGG-16."""
    with seeded(0):
        save_file(VggPools(4).state_dict(), tmp_path / "vgg.safetensors")
    return tmp_path / "vgg.safetensors"


def _words(library, out, *more):
    words = ["--data", library.root, "--out", out, "--recipe", "dfpn_small", "--width", "2"]
    words += ["--workers", "0", "--validate-items", "1", "--log-steps", "1", *more]
    return [str(word) for word in words]


@pytest.mark.slow
def test_the_command_trains_resumes_and_exports(toy_library, tmp_path, vgg_file, capsys):
    words = _words(toy_library, tmp_path / "run", "--perceptual", vgg_file)
    assert main(["stage1", *words, "--steps", "1"]) == 0
    assert main(["stage1", *words, "--steps", "2", "--resume"]) == 0
    assert len(read_csv(tmp_path / "run" / "log.csv")) == 2
    new = tmp_path / "new.safetensors"
    words = ["--run", tmp_path / "run", "--data", toy_library.root, "--out", new]
    words += ["--recipe", "dfpn_small", "--width", "2"]
    assert main(["export", *map(str, words)]) == 0
    assert "2 steps" in capsys.readouterr().out
    assert load_aligner(new).side == 64


@pytest.mark.parametrize(
    ("command", "more", "message"),
    [
        ("stage1", (), "Expected VGG-16 for a new DFPN, got none"),
        ("stage2", (), "Expected a recipe with stage2, got dfpn_small"),
        ("items", (), "Expected a recipe with cached items, got dfpn_small"),
        ("stage1", ("--recipe", "guided"), "Expected a recipe that trains on clips, got guided"),
    ],
    ids=["no VGG", "no stage 2", "items", "width"],
)
def test_what_does_not_fit_is_one_sentence(command, more, message, toy_library, tmp_path, capsys):
    words = _words(toy_library, tmp_path / "run", *more)
    if command == "items":
        words = words[: words.index("--validate-items")]
    else:
        words += ["--steps", "1"]
    assert main([command, *words]) == 1
    [line] = [x for x in capsys.readouterr().err.splitlines() if x.startswith("train: ")]
    assert message in line
    assert line.count(". ") == 0


def test_other_networks_than_a_whole_vgg_are_one_sentence(toy_library, tmp_path, one_sentence):
    with seeded(0):
        short = Vgg16(VggPools(4).state_dict())
    with pytest.raises(WeightsError, match="with all of its convolutions") as caught:
        train(_run(_toy("chn"), tmp_path, 1), toy_library, short)
    one_sentence(caught.value)


@pytest.mark.slow
def test_a_compact_state_continues_in_another_folder(toy_library, tmp_path, vgg_file):
    out, more = tmp_path / "first", ("--perceptual", vgg_file, "--steps", "1")
    assert main(["slice", *_words(toy_library, out, *more)]) == 0
    more += ("--checkpoint", out / "checkpoint")
    assert main(["slice", *_words(toy_library, tmp_path / "second", *more)]) == 0
    found = json.loads((tmp_path / "second" / "slice.json").read_text(encoding="utf-8"))
    assert found["steps"] == [1, 2]


def test_coordinates_of_items_are_those_of_the_aligners(toy_library):
    item = Items(toy_library, load_recipe("dfpn_small"))[0]
    coords = to_pixels(item.flow, align_corners=True)
    assert torch.allclose(coords[..., 0, 0], (item.flow[..., 0, 0] + 1) / 2 * 63 + 0.5)


def test_holes_grow_as_published():
    vectors = Vectors("dfpn")
    holes = vectors.tensor("s_dilate_in_u8").transpose(0, 1)
    assert torch.equal(grow_cross(holes, 4).transpose(0, 1), vectors.tensor("s_dilate_out_u8"))
