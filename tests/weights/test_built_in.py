"""The weights inside the package are those the catalogue and the card describe."""

from dataclasses import replace

import pytest
import torch

import lgtsm
from lgtsm.errors import WeightsError
from lgtsm.weights import load
from lgtsm.weights.catalogue import CATALOGUE, DEFAULT
from lgtsm.weights.header import read_card


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_a_built_in_network_loads_and_says_what_it_is(name):
    row, network = CATALOGUE[name], lgtsm.load_model(name)
    card = read_card(row.path)
    assert network.name == name
    assert (card.spec.family, card.licence) == (row.family, row.licence)
    assert card.provenance["training_licences"]
    before = sum(run["step"] for run in card.provenance["runs_before"])
    assert before + card.provenance["steps"] > 1000
    assert row.path.stat().st_size < 30e6
    notice = (row.path.parent / "NOTICE.md").read_text(encoding="utf-8")
    for source in ("Blender Foundation", "Intel", "Golden Woofs"):
        assert source in notice


def test_the_default_is_no_random_network(toy_clip, toy_holes):
    network = lgtsm.load_model()
    head = network.trunk.layers()[-1].feature
    assert head.weight.abs().max() > 1e-3  # it starts at zero and is kept only when trained
    assert network.name == DEFAULT


def test_loading_moves_no_random_numbers():
    before = torch.get_rng_state()
    lgtsm.load_model()
    assert torch.equal(before, torch.get_rng_state())


def test_a_changed_built_in_file_is_refused(monkeypatch):
    row = replace(CATALOGUE[DEFAULT], sha256="0" * 64)
    monkeypatch.setattr(load, "CATALOGUE", {DEFAULT: row})
    with pytest.raises(WeightsError, match="install the package again"):
        lgtsm.load_model()
