"""CHN and guided inpainting learn one item by heart; what the training of all of them rests on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lgtsm.models.neighbours.chn import Chn
from lgtsm.models.neighbours.guided import Guided
from lgtsm.models.neighbours.vgg import VggPools
from tests.models.neighbours.vectors import Vectors
from train.data.affine_motion import dilate_cross
from train.neighbours import RECIPES, Teacher, still_item
from train.step import seeded


@pytest.fixture(autouse=True)
def _same_initial_weights():
    with seeded(5):
        yield


def _item(size, num_frames):
    y, x = torch.meshgrid(torch.linspace(0, 9, 160), torch.linspace(0, 9, 160), indexing="ij")
    picture = torch.stack([x.sin(), y.cos(), (x * y / 3).sin()]) / 2.5 + 0.5
    holes = torch.zeros(num_frames, 1, size, size)
    for i in range(num_frames):
        holes[i, :, size // 4 : size // 2, size // 8 * (i + 1) : size // 8 * (i + 3)] = 1
    return still_item(picture, holes, np.random.RandomState(4))


def test_chn_learns_an_item_by_heart():
    network = Chn(num_blocks=1)
    teacher = Teacher(network, replace(RECIPES["chn"], learning_rate=2e-3), perceptual=VggPools(5))
    item = _item(32, 2)
    losses = [teacher.step(item) for _ in range(30)]
    assert {"known", "shown", "unseen", "perceptual", "gradient", "total"} == set(losses[0])
    assert losses[-1]["total"] < 0.6 * losses[0]["total"]


@pytest.mark.slow
def test_guided_learns_an_item_by_heart_against_its_discriminator():
    network = Guided(num_blocks=1, num_cross=1, side=2, fourier=False)
    recipe = replace(RECIPES["guided"], learning_rate=1e-3, warmup_steps=0)
    teacher = Teacher(network, recipe)
    item = _item(32, 3)
    before = [p.clone() for p in teacher.judge.parameters()]
    losses = [teacher.step(item) for _ in range(20)]
    assert {"l1", "adversarial", "features", "judging", "penalty", "total"} == set(losses[0])
    assert losses[-1]["l1"] < 0.6 * losses[0]["l1"]
    assert any(
        not torch.equal(p, q) for p, q in zip(before, teacher.judge.parameters(), strict=True)
    )


def test_rates_follow_the_published_schedules():
    recipe = RECIPES["chn"]
    assert [recipe.rate_at(s) for s in (0, 99_999, 100_000)] == [1e-4, 1e-4, 5e-5]
    guided = RECIPES["guided"]
    rates = [guided.rate_at(s) / guided.learning_rate for s in (0, 500, 1000, 1_000_000)]
    assert rates == pytest.approx([1e-4, 0.5, 1, 1e-4])


def test_items_know_their_motion():
    item = _item(64, 3)
    grid = item.flow[0].permute(0, 2, 3, 1)
    references, target = item.views.references[0], item.views.target
    back = torch.nn.functional.grid_sample(references, grid, align_corners=True)
    inside = (grid.abs() < 0.9).all(-1)[:, None]
    error, unmoved = (((x - target).abs() * inside).mean() for x in (back, references))
    assert error < 0.2 * unmoved


def test_holes_grow_as_published():
    vectors = Vectors("dfpn")
    holes = vectors.tensor("s_dilate_in_u8").transpose(0, 1)
    assert torch.equal(dilate_cross(holes).transpose(0, 1), vectors.tensor("s_dilate_out_u8"))
