"""One command from films to weights, and what it says about what it lacks."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from lgtsm.weights.header import read_card
from train.__main__ import main
from train.data.sources import open_library
from train.losses.left_out import left_out
from train.losses.perceptual import load_perceptual
from train.recipe import PixelLosses, RatioLosses

VGG = "tests/golden/losses/vgg16_div16.safetensors"


def _words(data, out, *more):
    words = ["--data", str(data), "--out", str(out), "--recipe", "refine_toy", "--width", "4"]
    words += ["--size", "64", "--steps", "1", "--workers", "0", "--validate-items", "1"]
    return [*words, *more]


@pytest.mark.slow
def test_films_are_decoded_by_the_command_that_trains_on_them(toy_data, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    run = tmp_path / "run"
    assert main(["all", *_words(toy_data, run)]) == 0
    said = [record.getMessage() for record in caplog.records]
    decoding = next(i for i, text in enumerate(said) if "are decoded into" in text)
    assert f"give --data {run / 'data'} to later commands" in said[decoding]
    lost = "perceptual (weight 1) left out of the losses"
    assert lost in said[0]  # before the films are decoded
    assert sum(lost in text for text in said) == 3  # and at the start of both stages
    clips = open_library(run / "data").clips
    assert len(clips) == 3

    (toy_data / "train" / "waves.mp4").unlink()
    caplog.clear()
    assert main(["all", *_words(toy_data, run, "--resume")]) == 0
    assert "are decoded into" not in caplog.text  # the same items as before
    assert open_library(run / "data").clips == clips

    card = _exported(run / "stage2", run / "data", tmp_path / "hub")
    assert f"**stage1: {lost}" in card
    assert f"**stage2: {lost}" in card
    provenance = read_card(tmp_path / "hub" / "model.safetensors").provenance
    assert lost in provenance["left_out"]
    assert provenance["perceptual"] == "none"


def _exported(run, data, out):
    words = ["--run", str(run), "--data", str(data), "--out", str(out), "--stage", "stage2"]
    assert main(["export", *words, "--recipe", "refine_toy", "--width", "4", "--size", "64"]) == 0
    return (out / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--data", "EMPTY"], "Expected videos, folders of frames or photographs"),
        (["--data", "NOWHERE"], "Expected an index"),
        (["--device", "cuda"], "CUDA"),
        (["--perceptual", "nowhere.safetensors"], "no file"),
    ],
)
def test_a_run_that_cannot_begin_decodes_nothing(words, says, toy_data, tmp_path, capsys):
    (tmp_path / "EMPTY").mkdir()
    names = {name: str(tmp_path / name) for name in ("EMPTY", "NOWHERE")}
    run = tmp_path / "run"
    assert main(["all", *_words(toy_data, run, *[names.get(w, w) for w in words])]) == 1
    assert says in capsys.readouterr().err
    assert not run.exists()


def test_a_console_that_cannot_show_a_name_ends_no_command(toy_data, tmp_path, monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252"))
    assert main(["prepare", "--data", str(toy_data), "--out", str(tmp_path / "\u6620\u753b")]) == 0
    sys.stdout.flush()
    assert rb"\u6620\u753b" in written.getvalue()


def test_what_is_left_out_is_named_by_its_weight_and_cost():
    vgg = load_perceptual(VGG)
    both = PixelLosses(hole_l1=1.0, perceptual=0.25, style=2.5)
    text = left_out(both, None)
    assert "perceptual (weight 0.25) and style (weight 2.5) left out" in text
    assert "softer" in text
    assert left_out(both, vgg) == ""
    assert left_out(PixelLosses(hole_l1=1.0), None) == ""
    # ratios are of the perceptual distance, which VGG-16 does not measure
    assert "VGG-16" in left_out(RatioLosses(), vgg)
    assert left_out(RatioLosses(perceptual=0.0), vgg) == ""


def test_an_error_of_the_system_is_one_sentence(tmp_path, capsys):
    blocked = tmp_path / "a file"
    blocked.touch()
    code = main(["prepare", "--scenes", "1", "--out", str(blocked / "data")])
    assert code == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("train: Expected to use ")
