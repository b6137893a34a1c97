"""What a stage's losses are made of."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lgtsm.errors import DeviceError, OptionError
from lgtsm.models.build import build
from train.__main__ import main
from train.data.batch import join
from train.data.sampling import Items
from train.data.sources import Library
from train.logs import read_csv
from train.loop import train
from train.losses.features import Gram
from train.losses.perceptual import PerceptualNet, load_perceptual
from train.objective import Prediction, predict, stage_losses
from train.process_group import ProcessGroup
from train.recipe import Divisors, PixelLosses, Stage, with_width
from train.recipes import load_recipe
from train.run import Precision, Run

VGG = Path(__file__).parents[1] / "golden" / "losses" / "vgg16_div16.safetensors"


def _run(**values):
    """Return a run in this process that scores one item."""
    return Run(**{"num_workers": 0, "validate_items": 1} | values)


def _small(name, **losses):
    recipe = load_recipe(name)
    if hasattr(recipe.network.trunk, "shift"):
        recipe = with_width(recipe, 4)
    stage = replace(recipe.stage1, batch=2)
    if losses:
        stage = replace(stage, losses=replace(stage.losses, **losses))
    data = replace(recipe.data, num_frames=2, size=64, width=0, still_ratio=0.5)
    return replace(recipe, data=data, stage1=stage)


def _batch(recipe, library):
    items = Items(library, recipe)
    return join([items[0], items[1]])


def _losses(recipe, library, net, **changes):
    batch = _batch(recipe, library)
    network = build(recipe.network)
    weights = replace(recipe.stage1.losses, **changes)
    return stage_losses(weights, predict(network, batch), batch, net)


def test_the_published_stage_has_its_three_losses_with_their_weights(toy_library):
    recipe = _small("lgtsm")
    found = _losses(recipe, toy_library, load_perceptual(VGG))
    assert set(found) == {"l1", "perceptual", "style", "total"}
    total = found["l1"] + found["perceptual"] + 10 * found["style"]
    torch.testing.assert_close(found["total"], total)


def test_every_switch_changes_the_style_loss(toy_library):
    recipe = _small("lgtsm")
    batch, net = _batch(recipe, toy_library), load_perceptual(VGG)
    prediction = predict(build(recipe.network), batch)
    prediction = Prediction(prediction.raw.detach(), prediction.composed.detach())
    seen = set()
    for gram in Gram:
        for divisors in Divisors:
            weights = replace(recipe.stage1.losses, gram=gram, divisors=divisors)
            found = stage_losses(weights, prediction, batch, net)
            seen.add(float(found["style"]))
    assert len(seen) == 4


def test_combcn_has_both_of_its_losses(toy_library):
    recipe = _small("combcn")
    batch = _batch(recipe, toy_library)
    prediction = predict(build(recipe.network), batch)
    assert prediction.incomplete.shape == (2, 2, 3, 32, 32)
    found = stage_losses(recipe.stage2.losses, prediction, batch, None)
    assert set(found) == {"complete", "incomplete", "total"}
    torch.testing.assert_close(found["total"], found["complete"] + found["incomplete"])


def test_a_stage_without_any_loss_still_has_a_gradient(toy_library):
    recipe = _small("lgtsm")
    batch = _batch(recipe, toy_library)
    network = build(recipe.network)
    found = stage_losses(PixelLosses(), predict(network, batch), batch, None)
    found["total"].backward()
    assert found["total"] == 0
    assert all(p.grad.abs().sum() == 0 for p in network.parameters() if p.grad is not None)


def test_half_precision_leaves_the_prediction_in_float32(toy_library):
    recipe = _small("lgtsm")
    batch = _batch(recipe, toy_library)
    network = build(recipe.network)
    full, half = predict(network, batch), predict(network, batch, torch.bfloat16)
    assert half.raw.dtype == torch.float32
    assert not torch.equal(full.raw, half.raw)
    torch.testing.assert_close(full.raw, half.raw, atol=0.05, rtol=0.1)


class _Hungry(PerceptualNet):
    """A feature network for which only so many frames fit."""

    divisors = (1.0,)

    def __init__(self, most):
        super().__init__()
        self.most = most

    def taps(self, frames):
        if len(frames) > self.most:
            raise torch.OutOfMemoryError("out of memory")
        return [frames]


def test_out_of_memory_proposes_what_fits(toy_library, tmp_path, one_sentence):
    recipe = _small("lgtsm")
    recipe = replace(recipe, stage1=replace(recipe.stage1, batch=4))
    run = _run(recipe=recipe, out=tmp_path, steps=1)
    with pytest.raises(DeviceError, match="--micro-batch 2") as caught:
        train(run, toy_library, _Hungry(4))
    one_sentence(caught.value)
    train(replace(run, micro_batch=2), toy_library, _Hungry(4))
    assert len(read_csv(tmp_path / "log.csv")) == 1


@pytest.mark.parametrize("name", ["combcn", "gated3d", "gtsm", "lgtsm_causal", "tsm"])
def test_every_family_makes_a_step(name, toy_library, tmp_path):
    run = _run(recipe=_small(name), out=tmp_path, steps=1, log_steps=1)
    train(run, toy_library)
    [row] = read_csv(tmp_path / "log.csv")
    assert (float(row["total"]) > 0, row["skipped"]) == (True, "0")


def test_parts_of_a_batch_give_the_losses_of_the_whole(toy_library, tmp_path):
    recipe = _small("lgtsm_ours")  # whose L1 is a mean over the hole
    recipe = replace(recipe, stage1=replace(recipe.stage1, batch=3))
    items = Items(toy_library, recipe)
    areas = {float(items[i].holes.sum()) for i in range(3)}
    assert len(areas) > 1  # else any share would do
    found = []
    for size in (None, 1, 2):
        run = _run(
            recipe=recipe,
            out=tmp_path / str(size),
            steps=1,
            log_steps=1,
            micro_batch=size,
        )
        train(run, toy_library)
        found.append(read_csv(run.out / "log.csv")[0])
    for other in found[1:]:
        for key in found[0].keys() - {"seconds"}:
            assert float(other[key]) == pytest.approx(float(found[0][key]), rel=1e-4), key


def test_gram_matrices_of_micro_batches_are_warned_of(toy_library, tmp_path, caplog):
    recipe = _small("lgtsm", style=1.0, gram=Gram.BATCH)
    run = _run(recipe=recipe, out=tmp_path, steps=1, micro_batch=1)
    train(run, toy_library, _Hungry(4))
    assert "Gram matrices mix the 1 items" in caplog.text


def test_missing_feature_losses_are_warned_of(toy_library, tmp_path, caplog):
    recipe = _small("lgtsm")
    losses = replace(recipe.stage1.losses, perceptual=1.0)
    recipe = replace(recipe, stage1=replace(recipe.stage1, losses=losses))
    train(_run(recipe=recipe, out=tmp_path, steps=1), toy_library)
    assert "--perceptual" in caplog.text


def test_pictures_are_shown_where_nothing_is_held_out(toy_library, tmp_path):
    stills = tuple(clip for clip in toy_library.clips if clip.num_frames == 1)
    library = Library(toy_library.root, stills)
    run = _run(recipe=_small("lgtsm"), out=tmp_path, steps=1)
    train(run, library)
    assert (tmp_path / "preview.webp").stat().st_size > 100
    assert not (tmp_path / "validation.csv").exists()


def test_tensorboard_gets_the_scalars(toy_library, tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    run = _run(recipe=_small("lgtsm"), out=tmp_path, steps=1)
    train(run, toy_library)
    (events,) = (tmp_path / "tensorboard").iterdir()
    assert b"train/total" in events.read_bytes()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--data", "nowhere"], "Expected an index"),
        (["--data", "LIBRARY", "--init", "nowhere.safetensors"], "nowhere.safetensors"),
        (["--data", "LIBRARY", "--perceptual", "nowhere.safetensors"], "no file"),
        (["--data", "LIBRARY", "--device", "cuda"], "CUDA"),
        (["--data", "LIBRARY", "--resume"], "found none"),
    ],
)
def test_commands_say_what_is_wrong_in_one_line(words, says, toy_library, tmp_path, capsys):
    if "cuda" in words and torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    words = [str(toy_library.root) if word == "LIBRARY" else word for word in words]
    rest = ["--out", str(tmp_path / "run"), "--recipe", "refine_toy", "--steps", "1"]
    assert main(["stage1", *words, *rest]) == 1
    message = capsys.readouterr().err
    assert says in message
    assert len(message.strip().splitlines()) == 1


def test_a_batch_that_processes_cannot_share_is_an_error(one_sentence):
    assert ProcessGroup(0, 4).local_batch(8) == 2
    with pytest.raises(OptionError, match="evenly") as caught:
        ProcessGroup(0, 4).local_batch(6)
    one_sentence(caught.value)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_device_trains_in_half_precision_from_resident_clips(toy_library, tmp_path):
    recipe = _small("lgtsm_ours")
    recipe = replace(recipe, stage1=replace(Stage(), losses=recipe.stage1.losses, batch=4))
    run = _run(recipe=recipe, out=tmp_path, steps=3, device="cuda", precision=Precision.AUTO)
    network = train(run, toy_library)
    assert all(torch.isfinite(p).all() for p in network.parameters())
    assert int(read_csv(tmp_path / "log.csv")[-1]["skipped"]) == 0
