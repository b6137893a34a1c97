"""Compact checkpoints and slices: what is moved between machines."""

import json
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from lgtsm.engine.recovery import is_out_of_memory
from lgtsm.errors import DeviceError, OptionError, WeightsError
from lgtsm.models.build import build
from train.compact import MAX_BYTES, SUFFIX, read_compact, write_compact
from train.loop import largest_that_fits, too_large
from train.recipe import with_width
from train.recipes import load_recipe
from train.run import Run
from train.step import make_learner
from train.tools.slice import CHECKPOINT, SUMMARY, train_slice, unpack

ROOT = Path(__file__).parents[2]


def _learner(recipe, stage="stage1"):
    return make_learner(build(recipe.network), getattr(recipe, stage), recipe.seed)


def test_a_compact_checkpoint_is_divided_into_small_files_and_read_back(tmp_path):
    recipe = load_recipe("lgtsm_ours")
    small_discriminator = replace(recipe.stage2.adversary.discriminator, width=8)
    adversary = replace(recipe.stage2.adversary, discriminator=small_discriminator)
    recipe = replace(recipe, stage2=replace(recipe.stage2, adversary=adversary))
    learner = _learner(recipe, "stage2")
    learner.step, learner.seconds = 1234, 60.0
    files = write_compact(tmp_path, learner, recipe, "stage2")
    assert len(files) == 2  # 12 million numbers in half precision
    assert all(file.stat().st_size <= MAX_BYTES for file in files)
    assert all(file.suffix == SUFFIX for file in files)
    other = _learner(recipe, "stage2")
    read_compact(tmp_path, other, recipe, "stage2")
    assert (other.step, other.seconds, other.warmup_step) == (1234, 60.0, 0)
    for (name, a), b in zip(
        learner.average.values.items(), other.network.state_dict().values(), strict=True
    ):
        assert torch.equal(a.half().float(), b), name
    for a, b in zip(
        learner.adversary.discriminator.parameters(),
        other.adversary.discriminator.parameters(),
        strict=True,
    ):
        assert torch.equal(a.half().float(), b)


def test_a_newer_compact_checkpoint_replaces_the_older(toy_recipe, tmp_path):
    learner = _learner(toy_recipe)
    write_compact(tmp_path, learner, toy_recipe, "stage1")
    learner.step = 7
    files = write_compact(tmp_path, learner, toy_recipe, "stage1")
    assert sorted(tmp_path.iterdir()) == files


def test_compact_checkpoints_that_do_not_match_are_refused(toy_recipe, tmp_path, one_sentence):
    write_compact(tmp_path, _learner(toy_recipe), toy_recipe, "stage1")
    other = with_width(toy_recipe, 6)
    with pytest.raises(OptionError, match=r"network\.trunk\.width: 4 -> 6") as caught:
        read_compact(tmp_path, _learner(other), other, "stage1")
    one_sentence(caught.value)
    only = next(tmp_path.glob(f"*{SUFFIX}"))
    (tmp_path / f"another{SUFFIX}").write_bytes(only.read_bytes())
    with pytest.raises(WeightsError, match="got 2 of 1") as caught:
        read_compact(tmp_path, _learner(toy_recipe), toy_recipe, "stage1")
    one_sentence(caught.value)
    only.write_bytes(only.read_bytes()[:100])
    with pytest.raises(WeightsError, match="copy") as caught:
        read_compact(tmp_path, _learner(toy_recipe), toy_recipe, "stage1")
    one_sentence(caught.value)
    with pytest.raises(WeightsError, match="got 0") as caught:
        read_compact(tmp_path / "none", _learner(toy_recipe), toy_recipe, "stage1")


def test_stage_2_begins_at_step_0_from_the_compact_checkpoint_of_stage_1(toy_recipe, tmp_path):
    learner = _learner(toy_recipe)
    learner.step = 9
    write_compact(tmp_path, learner, toy_recipe, "stage1")
    second = _learner(toy_recipe, "stage2")
    read_compact(tmp_path, second, toy_recipe, "stage2")
    assert second.step == 0
    weight = learner.network.trunk.layers()[0].gate.weight
    assert torch.equal(second.network.trunk.layers()[0].gate.weight, weight.half().float())


@pytest.mark.slow
def test_slices_continue_from_each_other(toy_library, toy_recipe, tmp_path):
    archive = tmp_path / "data.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(toy_library.root, "library")
    ends = []
    checkpoint = tmp_path / "no checkpoint yet"
    for number in range(2):
        out = tmp_path / f"slice{number}"
        run = Run(
            recipe=toy_recipe,
            out=out,
            steps=2,
            checkpoint=checkpoint,
            num_workers=0,
            log_steps=1,
            validate_items=1,
        )
        summary = train_slice(run, archive, None)
        assert json.loads((out / SUMMARY).read_text(encoding="utf-8")) == summary
        assert summary["clips_per_second"] > 0
        assert 0 < summary["step_alone"]["peak_ratio"] < 1
        assert all((out / CHECKPOINT / name).is_file() for name in summary["checkpoint"])
        with Image.open(out / "curves.png") as curves:
            assert curves.size[0] > 100
        ends.append(summary["steps"])
        checkpoint = out / CHECKPOINT
    assert ends == [[0, 2], [2, 4]]


@pytest.mark.slow
def test_a_slice_continues_in_its_own_folder_from_its_own_checkpoint_alone(
    toy_library, toy_recipe, tmp_path, one_sentence
):
    run = Run(recipe=toy_recipe, out=tmp_path / "one", steps=1, num_workers=0, validate_items=1)
    train_slice(run, toy_library.root, None)
    other = tmp_path / "other"
    write_compact(other, _learner(toy_recipe), toy_recipe, "stage1")
    for checkpoint in (None, other):
        with pytest.raises(OptionError, match="another --out") as caught:
            train_slice(replace(run, checkpoint=checkpoint), toy_library.root, None)
        one_sentence(caught.value)
    again = replace(run, checkpoint=run.out / CHECKPOINT)
    assert train_slice(again, toy_library.root, None)["steps"] == [1, 2]


@pytest.mark.slow
def test_the_slice_command_needs_no_pyav_and_no_kornia(toy_library, tmp_path):
    code = (
        "import sys\n"
        "for name in ('av', 'kornia', 'torchvision', 'tensorboard'): sys.modules[name] = None\n"
        "from train.__main__ import main\n"
        "raise SystemExit(main(sys.argv[1:]))\n"
    )
    words = ["--data", str(toy_library.root), "--out", str(tmp_path / "out"), "--steps", "2"]
    words += ["--recipe", "refine_toy", "--stage", "stage2", "--workers", "0"]
    words += ["--validate-items", "1"]
    command = [sys.executable, "-c", code, "slice", *words]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert "clips a second, steps [0, 2]" in done.stdout
    assert list((tmp_path / "out" / CHECKPOINT).glob(f"*{SUFFIX}"))


def test_archives_that_are_none_are_errors(tmp_path, one_sentence):
    (tmp_path / "bad.tar").write_bytes(b"no archive")
    with tarfile.open(tmp_path / "empty.tar", "w") as tar:
        tar.add(ROOT / "LICENSE", "LICENSE")
    for name in ("bad.tar", "empty.tar"):
        with pytest.raises(OptionError, match=name) as caught:
            unpack(tmp_path / name, tmp_path / "there")
        one_sentence(caught.value)


@pytest.mark.parametrize(("most", "fits"), [(32, 16), (5, 4), (3, 2), (0, 0)])
def test_the_largest_batch_that_fits_is_proposed(most, fits, one_sentence):
    def attempt(size):
        if size > most:
            raise torch.OutOfMemoryError("CUDA out of memory")

    found = largest_that_fits(attempt, 32)
    assert found == fits
    error = too_large(32, found)
    assert isinstance(error, DeviceError)
    one_sentence(error)
    if fits:
        assert f"--micro-batch {fits}" in str(error)


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("[enforce fail] can't allocate memory: you tried"))
    assert not is_out_of_memory(RuntimeError("shapes differ"))

    def attempt(size):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes"):
        largest_that_fits(attempt, 4)
