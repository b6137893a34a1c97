"""From a run to a weight file and to a hub's folder."""

import copy
import hashlib
import json
import shutil
from dataclasses import replace

import pytest
import torch

from lgtsm.cli.publish import check_licence, listed_files
from lgtsm.errors import OptionError
from lgtsm.models.spec import NetworkSpec
from lgtsm.weights.header import Card, read_card
from lgtsm.weights.load import load_model
from lgtsm.weights.save import save_model
from train.data.sources import Library
from train.loop import train
from train.recipe import with_width
from train.run import Run
from train.tools.export import Terms, export, shrink_head


@pytest.fixture(scope="module")
def finished(read_library, quick_recipe, tmp_path_factory):
    """Return the folder of a run of two steps, and its network."""
    out = tmp_path_factory.mktemp("export") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Library, "split", lambda self, ratio=0.1: (self, self))
        return out, train(
            Run(recipe=quick_recipe, out=out, steps=2, num_workers=0, validate_items=1),
            read_library,
        )


@pytest.fixture
def trained(finished, tmp_path, monkeypatch):
    """Return the network of a run of two steps in tmp_path/run."""
    monkeypatch.setattr(Library, "split", lambda self, ratio=0.1: (self, self))
    out, network = finished
    shutil.copytree(out, tmp_path / "run")
    return network


@pytest.mark.slow
def test_an_exported_run_is_a_weight_file(trained, toy_library, quick_recipe, tmp_path):
    assert trained.trunk.layers()[-1].feature.weight.abs().sum() > 0
    assert not trained.training
    out = tmp_path / "net.safetensors"
    card = export(tmp_path / "run", quick_recipe, toy_library, out, Terms())
    network = load_model(out)
    assert network.spec == quick_recipe.network
    assert card.provenance["steps"] == 2
    assert card.provenance["training_items"] == 3
    assert network.passed_dtypes == card.dtypes
    for a, b in zip(trained.parameters(), network.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-3, rtol=1e-3)


@pytest.mark.slow
def test_a_folder_for_a_hub_is_whole(trained, toy_library, quick_recipe, tmp_path):
    out = tmp_path / "hub"
    terms = Terms(perceptual="SqueezeNet v1.0")
    export(tmp_path / "run", quick_recipe, toy_library, out, terms)
    names = {file.name for file in listed_files(out)}
    assert {"model.safetensors", "config.json", "README.md", "SHA256SUMS"} <= names
    check_licence(read_card(out / "model.safetensors"))
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    assert NetworkSpec.from_config(config) == quick_recipe.network
    card = (out / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlicense: apache-2.0\n")
    for text in (
        "python -m train stage1 --recipe refine_toy",
        "2 steps",
        "SqueezeNet v1.0",
        "not stated: 3",
        "hole PSNR",
        "| this network |",
    ):
        assert text in card
    for line in (out / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    assert load_model(out / "model.safetensors").spec == quick_recipe.network


@pytest.mark.slow
def test_a_card_names_the_runs_before(trained, toy_library, quick_recipe, tmp_path):
    run = Run(
        recipe=quick_recipe, out=tmp_path / "more", steps=1, num_workers=0, init=tmp_path / "run"
    )
    train(run, toy_library)
    export(tmp_path / "more", quick_recipe, toy_library, tmp_path / "hub", Terms())
    card = (tmp_path / "hub" / "README.md").read_text(encoding="utf-8")
    assert "Initialised from `run`, after stage1, 2 steps." in card


@pytest.mark.slow
def test_descendants_of_research_only_weights_are_not_exported(
    toy_library, quick_recipe, tmp_path, random_network, one_sentence
):
    given = tmp_path / "published.safetensors"
    network = random_network(quick_recipe.network)
    save_model(network, given, Card(spec=quick_recipe.network, licence="research-only"))
    run = Run(recipe=quick_recipe, out=tmp_path / "run", steps=1, num_workers=0, init=given)
    train(run, toy_library)
    again = replace(run, stage="stage2", out=tmp_path / "again", init=tmp_path / "run")
    train(again, toy_library)
    for folder, stage in (("run", "stage1"), ("again", "stage2")):
        out = tmp_path / "net.safetensors"
        with pytest.raises(OptionError, match="research-only") as caught:
            export(tmp_path / folder, quick_recipe, toy_library, out, Terms(stage=stage))
        one_sentence(caught.value)
        assert not out.exists()


def test_weights_of_another_network_are_refused(
    toy_library, quick_recipe, tmp_path, random_network, one_sentence
):
    other = with_width(quick_recipe, 6).network
    given = tmp_path / "wide.safetensors"
    save_model(random_network(other), given, Card(spec=other, licence="Apache-2.0"))
    run = Run(recipe=quick_recipe, out=tmp_path / "run", steps=1, num_workers=0, init=given)
    with pytest.raises(Exception, match=r"wide\.safetensors") as caught:
        train(run, toy_library)
    one_sentence(caught.value)


def test_a_run_of_another_recipe_is_not_exported(trained, toy_library, quick_recipe, tmp_path):
    other = replace(quick_recipe, seed=3)
    with pytest.raises(OptionError, match="seed"):
        export(tmp_path / "run", other, toy_library, tmp_path / "net.safetensors", Terms())


def test_a_shrunken_head_applies_a_part_of_the_correction(tiny_network, toy_clip, toy_holes):
    results = []
    for strength in (0.0, 0.25, 1.0):
        network = copy.deepcopy(tiny_network)
        shrink_head(network, strength)
        results.append(network(toy_clip[None, :4], toy_holes[None, :4])[0])
    fill, part, whole = results
    assert (whole - fill).abs().max() > 1e-3
    torch.testing.assert_close(part, fill + 0.25 * (whole - fill), atol=1e-5, rtol=1e-4)
