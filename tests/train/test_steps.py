"""Single steps, first weights, averages, recipes."""

import copy
import dataclasses
from dataclasses import replace

import pytest
import torch

from lgtsm.errors import OptionError
from lgtsm.models.build import build
from lgtsm.options import Motion
from train.data.batch import join
from train.data.sampling import Items
from train.initialise import TARGET_STD, initialise, rescale_layers
from train.losses.refine import refine_losses
from train.objective import predict
from train.process_group import ProcessGroup
from train.recipe import Initialisation, RatioLosses, Schedule, Stage
from train.recipes import RECIPES, load_recipe
from train.step import MovingAverage, Stepper, make_learner
from train.validate import validate


def _is_variant(name):
    """Tell whether a recipe is the refining one with other numbers, whose first weights take long."""
    return name.startswith("refine_")


def _small(recipe):
    """Return the recipe on crops of a quarter of the area."""
    return replace(recipe, data=replace(recipe.data, size=32))


def test_parts_of_a_batch_give_the_gradients_of_the_whole(toy_library, toy_recipe):
    stage = replace(toy_recipe.stage2, clip_norm=0.0)
    recipe = replace(_small(toy_recipe), stage2=stage)
    items = Items(toy_library, recipe)
    batch = join([items[i] for i in range(3)])
    moments = []
    network = build(recipe.network)
    initialise(network, Initialisation.LSUV, batch, 0)
    for most in (None, 1):
        learner = make_learner(copy.deepcopy(network), stage, 0)
        losses = Stepper(learner, None, ProcessGroup(), micro_batch=most)(batch, 1e-3)
        both = (learner.optimizer, learner.adversary.optimizer)
        moments.append([s["exp_avg"] for o in both for s in o.state.values()])
        assert losses["total"] > 0
    for a, b in zip(*moments, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-7)


def test_a_step_that_is_not_finite_is_skipped_and_counted(toy_library, toy_recipe):
    items = Items(toy_library, toy_recipe)
    network = build(toy_recipe.network)
    learner = make_learner(network, toy_recipe.stage2, 0)
    stepper = Stepper(learner, None, ProcessGroup())
    stepper(items[0], 1e-3)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    bad = dataclasses.replace(items[1], truth=items[1].truth * float("nan"))
    stepper(bad, 1e-3)
    assert learner.skipped == 1
    assert learner.step == 2
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key])
    assert torch.isfinite(torch.tensor(stepper(items[2], 1e-3)["total"]))


def test_the_fill_itself_has_a_loss_of_at_most_one(toy_library, toy_recipe):
    items = Items(toy_library, toy_recipe)
    for number in range(4):
        item = items[number]
        fill, truth, holes = item.candidate.fill, item.truth[0], item.holes[0]
        losses = refine_losses(fill, fill, truth, holes, net=None, weights=RatioLosses())
        assert 0 < losses["l1"] <= 1
        assert 0 < losses["l2"] <= 1
        perfect = refine_losses(truth, fill, truth, holes, net=None, weights=RatioLosses())
        assert perfect["total"] == 0


def test_a_clip_without_hole_has_no_loss(toy_library, toy_recipe):
    truth = Items(toy_library, toy_recipe)[0].truth[0]
    empty = torch.zeros_like(truth[:, :1])
    losses = refine_losses(truth + 1, truth, truth, empty, net=None, weights=RatioLosses())
    assert losses["total"] == 0


def test_an_untrained_refining_network_equals_its_fill(toy_library, toy_recipe):
    network = build(toy_recipe.network).eval()
    items = Items(toy_library, toy_recipe)
    batches = [items[number] for number in range(3)]
    for item in batches:
        with torch.no_grad():
            assert torch.equal(predict(network, item).raw[0], item.candidate.fill)
    score = validate(network, batches, None)
    assert score.psnr == pytest.approx(score.baseline_psnr, abs=1e-3)


def test_rescaling_lets_a_signal_through_every_layer(toy_library, toy_recipe):
    network = build(toy_recipe.network)
    item = Items(toy_library, _small(toy_recipe))[0]
    initialise(network, Initialisation.SCALED, item, 0)
    stds = rescale_layers(network, network.trunk, item)
    names = list(stds)
    assert all(stds[name] == pytest.approx(TARGET_STD, rel=0.1) for name in names[:-1])
    assert stds[names[-1]] == 0


@pytest.mark.slow
def test_first_weights_are_decided_by_the_seed(toy_library, toy_recipe):
    item = Items(toy_library, _small(toy_recipe))[0]
    made = []
    for seed in (1, 1, 2):
        network = build(toy_recipe.network)
        initialise(network, Initialisation.LSUV, item, seed)
        made.append(network.trunk.layers()[3].feature.weight)
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_the_learning_rate_warms_up_and_anneals():
    stage = Stage(learning_rate=1e-3, warmup_steps=10, final_ratio=0.1)
    assert stage.learning_rate_at(0, 0.0) == pytest.approx(1e-4)
    assert stage.learning_rate_at(10, 0.0) == pytest.approx(1e-3)
    assert stage.learning_rate_at(10**6, 1.0) == pytest.approx(1e-4)
    assert stage.learning_rate_at(10**6, 7.0) == pytest.approx(1e-4)
    flat = replace(stage, schedule=Schedule.CONSTANT)
    assert flat.learning_rate_at(10**6, 1.0) == pytest.approx(1e-3)


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
    with average.applied_to(layer):
        assert torch.equal(layer.bias, own + 1)
    assert torch.equal(layer.bias, own)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if _is_variant(name) else ())
        for name, recipe in RECIPES.items()
        if not recipe.moves_pictures
    ],
)
def test_every_recipe_makes_a_step_of_each_stage(name, toy_library):
    recipe = load_recipe(name)
    assert recipe.name == name
    trunk = recipe.network.trunk
    if hasattr(trunk, "width"):
        recipe = replace(recipe, network=replace(recipe.network, trunk=replace(trunk, width=4)))
    recipe = replace(
        recipe,
        data=replace(
            recipe.data, num_frames=3, num_context=2, motion=Motion.NONE, size=32, width=0
        ),
    )
    item = Items(toy_library, recipe)[0]
    for stage in (recipe.stage1, recipe.stage2):
        if stage is None:
            continue
        if stage.adversary is not None:
            adversary = stage.adversary
            small = replace(adversary, discriminator=replace(adversary.discriminator, width=2))
            stage = replace(stage, adversary=small)
        network = build(recipe.network)
        initialise(network, recipe.initialisation, item, 0)
        before = [p.clone() for p in network.parameters()]
        learner = make_learner(network, stage, 0)
        stepper = Stepper(learner, None, ProcessGroup())
        losses = stepper(item, 1e-3)
        assert losses["total"] > 0
        assert learner.skipped == 0
        assert ("discriminator" in losses) == (stage.adversary is not None)
        changed = [not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True)]
        assert any(changed)


def test_an_unknown_recipe_is_an_error(one_sentence):
    with pytest.raises(OptionError, match="no_such") as caught:
        load_recipe("no_such")
    one_sentence(caught.value)
