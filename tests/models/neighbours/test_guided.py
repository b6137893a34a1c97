"""Guided inpainting, its flow and its discriminator against figures of the original code."""

from __future__ import annotations

import pytest
import torch

from lgtsm.errors import ShapeError
from lgtsm.models.neighbour_spec import GuidedSpec
from lgtsm.models.neighbours.carried_flow import fill_flow, flow_error, sample_along
from lgtsm.models.neighbours.frames import Views
from lgtsm.models.neighbours.guided import Guided
from lgtsm.models.neighbours.latent_tokens import fourier_positions
from tests.models.neighbours.published_state import formula_network
from tests.models.neighbours.vectors import Vectors, spread

SMALL = GuidedSpec(num_blocks=2, num_cross=1, side=4, fourier=False)


@pytest.fixture(scope="module")
def vectors():
    return Vectors("guided")


@pytest.fixture(scope="module")
def published():
    return formula_network(GuidedSpec())


@pytest.mark.slow
@torch.no_grad()
def test_published_network_equals_the_original(published, vectors):
    flow, error = (vectors.tensor(f"a_{name}_quarter") for name in ("flow", "flow_err"))
    flow, error = spread(4 * flow, 4), spread(4 * error, 4)
    found = published(vectors.views("a_", repeats=4), flow, error)
    vectors.assert_near(found[..., ::4, ::4], "a_pred_sub4")
    vectors.assert_near(found[..., 96:144, 80:128], "a_pred_crop")


@pytest.mark.slow
@torch.no_grad()
def test_maps_that_windows_do_not_divide_equal_the_original(published, vectors):
    if "b_pred" not in vectors:
        pytest.skip("needs ../shared/golden, which is not part of the repository")
    seen = {}
    block = published.blocks[0]
    handles = [
        part.register_forward_pre_hook(lambda _, args, name=name: seen.update({name: args[0]}))
        for name, part in (("read", block.read), ("write", block.write))
    ]
    flow, error = vectors.tensor("b_flow_f16"), vectors.tensor("b_flow_err_f16")
    vectors.assert_near(published(vectors.views("b_"), flow, error), "b_pred")
    for handle in handles:
        handle.remove()
    weights = block.read.weights(seen["read"]).unflatten(2, (16, 16))[..., 0]
    vectors.assert_near(weights[:, ::4], "b_read_attn_block0")
    vectors.assert_near(block.write.gates(seen["write"])[:, ::4], "b_write_attn_block0")


@torch.no_grad()
def test_variant_with_grouped_convolutions_equals_the_original(vectors):
    network = formula_network(SMALL)
    flow, error = vectors.tensor("c_flow_f16"), vectors.tensor("c_flow_err_f16")
    vectors.assert_near(network(vectors.views("c_"), flow, error), "c_pred")


def test_positions_equal_the_original(vectors):
    found = fourier_positions(4, 6, torch.zeros(1)).flatten(2).transpose(1, 2)
    vectors.assert_near(found, "fourier_pos_4x6")


def test_completed_flow_and_samples_along_it_equal_the_original(vectors):
    flow, hole = vectors.tensor("f_flow"), vectors.tensor("f_hole_u8")
    filled = [fill_flow(f[None], h[None]) for f, h in zip(flow, hole, strict=True)]
    vectors.assert_near(torch.cat(filled), "f_filled")
    together = fill_flow(flow, hole[:1])[:1]
    torch.testing.assert_close(together, filled[0], atol=1e-5, rtol=0)
    found = sample_along(vectors.tensor("f_sample_in_u8") / 255, flow)
    vectors.assert_near(found, "f_sample_out")


def test_flow_without_a_hole_is_kept():
    flow = torch.randn(1, 2, 9, 11)
    assert torch.equal(fill_flow(flow, torch.zeros(1, 1, 9, 11)), flow)


def test_flows_that_cancel_have_no_error():
    forward = torch.zeros(1, 2, 32, 256)
    forward[:, 0] = 3
    assert flow_error(forward, -forward)[..., :250].abs().max() == 0
    # as published: divided by 256 pixels once more, mean over x and y
    wrong = flow_error(forward, forward)[..., :250]
    assert wrong.max() == pytest.approx(6 * 256 / 256 / 2)


def _views(size, count=1):
    return Views(
        torch.zeros(1, 3, *size),
        torch.zeros(1, 1, *size),
        torch.zeros(1, count, 3, *size),
        torch.zeros(1, count, 1, *size),
    )


@pytest.mark.parametrize("size", [(24, 36), (16, 32)])
def test_sizes_that_do_not_fit_are_refused_in_one_sentence(size, one_sentence):
    network = Guided(num_blocks=1, num_cross=1, side=4, fourier=False)
    flow = torch.zeros(1, 1, 2, 8, 8)
    with pytest.raises(
        ShapeError, match=f"at least 24 and in multiples of 8, got {size[0]}x"
    ) as caught:
        network(_views(size), flow, flow[:, :, :1])
    one_sentence(caught.value)


def test_flow_to_other_references_is_refused_in_one_sentence(one_sentence):
    network = Guided(num_blocks=1, num_cross=1, side=4, fourier=False)
    flow = torch.zeros(1, 1, 2, 8, 8)
    with pytest.raises(ShapeError, match="flow \\(1,2,2,h,w\\) to every reference") as caught:
        network(_views((24, 32), 2), flow, flow[:, :, :1])
    one_sentence(caught.value)
