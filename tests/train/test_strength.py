"""Networks at several strengths on held-out clips."""

import copy

import pytest
import torch

from lgtsm.errors import OptionError
from lgtsm.models.build import build
from lgtsm.weights.header import Card
from lgtsm.weights.save import save_model
from train.__main__ import main
from train.data.sources import Library
from train.recipes import load_recipe
from train.tools.export import shrink_head
from train.tools.strength import STRENGTHS, format_trials, try_strengths


def _pixels(frames):
    return [frames]


@pytest.fixture
def network(toy_recipe, rng):
    """A network whose head is not zero, as a fresh one's is."""
    network = build(toy_recipe.network).eval()
    head = network.trunk.layers()[-1].feature
    torch.nn.init.normal_(head.weight, std=0.5, generator=rng)
    return network


@pytest.mark.slow
def test_one_pass_serves_every_strength(network, toy_library):
    weaker = copy.deepcopy(network)
    shrink_head(weaker, 0.5)
    trials = list(
        try_strengths(
            {"full": network, "half": weaker}, toy_library, _pixels, num_clips=2, num_frames=5
        )
    )
    assert len(trials) == 2 * 2 * len(STRENGTHS)
    found = {(t.clip, t.network, t.strength): t for t in trials}
    for clip in {t.clip for t in trials}:
        copies, full = found[clip, "full", 0.0], found[clip, "full", 0.5]
        half = found[clip, "half", 1.0]
        assert found[clip, "half", 0.0].psnr == copies.psnr
        assert full.psnr == pytest.approx(half.psnr, abs=1e-3)
        assert full.distance == pytest.approx(half.distance, rel=1e-3)
        assert full.psnr != pytest.approx(copies.psnr, abs=1e-3)
    table = format_trials(trials).splitlines()
    assert len(table) == 3 + 2 * (len(STRENGTHS) - 1)
    assert "| copies alone | 0 | +0.000" in table[2]


@pytest.mark.slow
def test_weights_that_share_a_file_name_are_all_tried(
    network, toy_library, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("train.__main__.load_features", lambda path: _pixels)
    monkeypatch.setattr(Library, "split", lambda self, ratio=0.1: (self, self))
    files = [tmp_path / name for name in ("a/model.safetensors", "b/model.safetensors", "c.st")]
    for file in files:
        save_model(network, file, Card(spec=network.spec, licence="CC0-1.0"))
    words = ["--data", toy_library.root, "--perceptual", "none", "--clips", "1", "--frames", "5"]
    assert main(["strength", "--weights", *map(str, files), *map(str, words)]) == 0
    rows = capsys.readouterr().out.splitlines()[3:]
    names = list(dict.fromkeys(row.split("|")[1].strip() for row in rows))
    assert names == [str(files[0]), str(files[1]), "c"]


def test_networks_without_a_fill_have_no_strength(toy_library, one_sentence):
    plain = build(load_recipe("gtsm").network)
    with pytest.raises(OptionError, match="start from a fill") as caught:
        list(try_strengths({"plain": plain}, toy_library, _pixels))
    one_sentence(caught.value)


def test_clips_that_are_too_short_are_refused(network, toy_library, one_sentence):
    with pytest.raises(OptionError, match="longest has 12") as caught:
        list(try_strengths({"full": network}, toy_library, _pixels, num_frames=40))
    one_sentence(caught.value)
