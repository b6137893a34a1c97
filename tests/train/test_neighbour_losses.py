"""Losses of the neighbour networks and their synthetic motion, against figures of the original code."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import torch
from torch import Tensor

from lgtsm.models.neighbour_spec import DfpnSpec
from lgtsm.models.neighbours.frames import Aligned, Views, resize
from lgtsm.models.neighbours.patch_discriminator import PatchDiscriminator
from lgtsm.models.neighbours.vgg import VggPools
from lgtsm.models.spec import PAINTERS
from tests.models.neighbours.published_state import formula_network, he, normalising
from tests.models.neighbours.test_chn import moved
from tests.models.neighbours.vectors import Vectors
from train.data.affine_motion import crop_flow, draw_affine, move_picture
from train.losses.aligning import aligning_losses
from train.losses.carrying import fooling_losses, judging_losses, known_l1
from train.losses.hallucinating import hallucinating_losses
from train.losses.perceptual import Vgg16
from train.recipe import AligningLosses, CarryingLosses, HallucinatingLosses, PatchAdversaryRecipe

ALIGNING, HALLUCINATING = asdict(AligningLosses()), asdict(HallucinatingLosses())


@pytest.mark.slow
@torch.no_grad()
def test_losses_of_dfpn_equal_the_original():
    vectors, network = Vectors("dfpn"), formula_network(DfpnSpec())
    frames, holes = vectors.clip("b_", repeats=8)
    views = Views(frames[:, 1], holes[:, 1], frames[:, :1], holes[:, :1])
    x, y = torch.linspace(-0.9, 1, 256), torch.linspace(-1, 0.8, 256)
    flow = torch.stack(torch.meshgrid(x, y, indexing="xy"))[None, None]
    aligned = network(views)
    for known, name in ((True, "gtflow"), (False, "noflow")):
        found = aligning_losses(network, aligned, views, flow, torch.tensor([known]))
        expected = list(vectors[f"b_loss_items_{name}"])
        assert [float(found[item]) for item in ALIGNING] == pytest.approx(expected, rel=1e-5), name
        total = float(sum(ALIGNING[item] * x for item, x in found.items()))
        assert total == pytest.approx(float(vectors[f"b_loss_total_{name}"]), rel=1e-5), name


def _formula(module, prefix):
    """Load the golden formula's weights into a module, under its own names behind a prefix."""
    state = {
        key: torch.from_numpy(he(f"{prefix}{key}", tuple(value.shape))).float()
        for key, value in module.state_dict().items()
    }
    module.load_state_dict(state)
    return module


@pytest.mark.slow
def test_losses_of_chn_equal_the_original():
    vectors, network = Vectors("chn"), formula_network(PAINTERS["chn"]).requires_grad_()
    frames, holes = vectors.clip("a_")
    views = Views(frames[:, 0], holes[:, 0], frames[:, 1:2], holes[:, 1:2])
    aligned = moved(views, 1)
    vgg = Vgg16(_formula(VggPools(5), "model_vgg.").state_dict())
    painted = network.painter(views, aligned)
    found = hallucinating_losses(painted, views, aligned, vgg.pools)
    items = [weight * found[name].item() for name, weight in HALLUCINATING.items()]
    assert items == pytest.approx(list(vectors["loss_items"]), rel=2e-5)
    assert sum(items) == pytest.approx(float(vectors["loss_total"]), rel=1e-5)
    # the published perceptual term teaches nothing
    teaching = [name for name in HALLUCINATING if name != "perceptual"]
    assert list(vectors["loss_requires_grad"]) == [name in teaching for name in HALLUCINATING]
    sum(HALLUCINATING[name] * found[name] for name in teaching).backward(retain_graph=True)
    for name, parameter in (
        ("conv_last", network.painter.conv_last.weight),
        ("conv_first0", network.painter.conv_first[0].weight),
    ):
        norm = float(vectors[f"loss_grad_norm_{name}"])
        assert float(parameter.grad.norm()) == pytest.approx(norm, rel=1e-4)
    before = network.painter.conv_last.weight.grad.clone()
    found["perceptual"].backward()
    assert not torch.equal(before, network.painter.conv_last.weight.grad)


def _published_discriminator():
    """Return the discriminator with the golden formula's weights, by way of its published names."""
    network, state = PatchDiscriminator(), {}
    for ours, value in network.state_dict().items():
        part, _, rest = ours.partition(".")
        number, _, inner = rest.partition(".")
        key = f"model5.0.{rest}" if part == "score" else f"model{number}.{inner}"
        key = "discriminator." + key.replace(".mean", ".running_mean").replace(
            ".var", ".running_var"
        )
        shape = tuple(value.shape)
        found = normalising(key, shape)
        state[ours] = torch.from_numpy(he(key, shape) if found is None else found).float()
    network.load_state_dict(state)
    return network.eval()


def test_discriminator_and_losses_of_the_carrier_equal_the_original():
    vectors, network = Vectors("guided"), _published_discriminator()
    real, fake = (vectors.tensor(f"d_{name}_u8") / 255 for name in ("real", "fake"))
    hole = vectors.tensor("d_hole_u8")
    logits, features = network(real)
    vectors.assert_near(logits.detach(), "d_real_pred")
    vectors.assert_near(network(fake)[0].detach(), "d_fake_pred")
    assert [str(tuple(x.shape)) for x in features] == list(vectors["d_feat_shapes"])
    figures = [[x.double().mean().item(), x.double().std().item()] for x in features]
    assert np.allclose(figures, vectors["d_real_feat_mean_std"], rtol=1e-4)
    fooling = fooling_losses(network, fake, real)
    judging = judging_losses(network, fake, real, hole)
    weights = PatchAdversaryRecipe()
    found = {
        "gen_adv": weights.adversarial * fooling["adversarial"],
        "fm": weights.features * fooling["features"],
        "disc": judging["judging"] + weights.penalty * judging["penalty"],
        "disc_gp_times_coef": weights.penalty * judging["penalty"],
        "l1": CarryingLosses().l1 * known_l1(fake, real, hole),
    }
    for name, value in found.items():
        assert value.item() == pytest.approx(float(vectors[f"d_loss_{name}"]), rel=1e-5), name
    judging["penalty"].backward()  # second derivatives reach the weights
    assert float(network.score.weight.grad.abs().max()) > 0


def _picture(vectors) -> Tensor:
    return vectors.tensor("s_frame_u8") / 255


def _moved_picture(vectors, num_frames, *, as_published):
    rng = np.random.RandomState(9)
    motions = [draw_affine(rng, shift=4) for _ in range(num_frames - 1)]
    listed = torch.stack([*motions[: num_frames // 2], torch.eye(3), *motions[num_frames // 2 :]])
    assert torch.equal(listed, vectors.tensor(f"s_n{num_frames}_affines"))
    return move_picture(_picture(vectors), motions, as_published=as_published)


def test_draws_of_the_motion_are_the_published_ones():
    vectors, rng = Vectors("dfpn"), np.random.RandomState(7)
    drawn = torch.stack([draw_affine(rng) for _ in range(3)])
    assert torch.equal(drawn, vectors.tensor("s_seed7_affines"))
    assert rng.randint(0, 2**31 - 1) == int(vectors["s_seed7_next_randint"])


@pytest.mark.parametrize("num_frames", [2, 3, 5])
def test_synthetic_motion_equals_the_original(num_frames):
    vectors = Vectors("dfpn")
    frames, flow = _moved_picture(vectors, num_frames, as_published=True)
    vectors.assert_near(frames.transpose(0, 1), f"s_n{num_frames}_frames", 2e-5)
    vectors.assert_near(flow.permute(0, 2, 3, 1), f"s_n{num_frames}_flow", 2e-6)


def test_flow_is_cut_and_resized_as_in_the_original():
    vectors = Vectors("dfpn")
    _, flow = _moved_picture(vectors, 5, as_published=True)
    cut = crop_flow(flow, 3, 5, (20, 24)).permute(0, 2, 3, 1)
    vectors.assert_near(cut, "s_crop_flow_20x24_at_3_5", 5e-6)
    resized = resize(flow, (18, 20), mode="nearest").permute(0, 2, 3, 1)
    vectors.assert_near(resized, "s_resize_flow_18x20", 2e-6)


@pytest.mark.parametrize("as_published", [False, True])
def test_only_the_mended_motion_brings_a_wide_picture_back(as_published):
    rng = np.random.RandomState(3)
    y, x = torch.meshgrid(torch.linspace(0, 6, 72), torch.linspace(0, 9, 128), indexing="ij")
    picture = torch.stack([x.sin(), y.cos(), (x + y).sin()]) / 2
    motions = [draw_affine(rng, shift=6) for _ in range(4)]
    frames, flow = move_picture(picture, motions, as_published=as_published)
    grid = flow.permute(0, 2, 3, 1)
    back = torch.nn.functional.grid_sample(frames, grid, align_corners=True)
    inside = (grid.abs() < 0.6).all(-1)[:, None]
    error = ((back - picture).abs() * inside).amax((1, 2, 3))
    assert (error.max() < 0.02) == (not as_published)


def test_aligned_pictures_without_an_error_cost_nothing():
    frame = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    hole = torch.zeros(1, 1, 8, 8)
    hole[..., :4] = 1
    views = Views(frame, hole, frame[None], hole[None] * 0)
    aligned = Aligned.of_samples(views.references, 1 - views.reference_holes, hole)
    painted = type("Painted", (), {"predicted": frame[None], "composed": frame[None]})()
    found = hallucinating_losses(painted, views, aligned, None)
    assert {name: float(x) for name, x in found.items()} == dict.fromkeys(
        ("known", "shown", "unseen", "gradient"), 0
    )
