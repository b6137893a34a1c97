import pytest
import torch

from lgtsm.engine.composing import compose
from lgtsm.masks.morph import feather_weights


@pytest.mark.parametrize("feather", [0, 1, 3, 5])
def test_the_soft_edge_runs_inwards_only(feather, rng):
    source, fill = torch.rand(3, 20, 30, generator=rng), torch.rand(3, 20, 30, generator=rng)
    hole = torch.zeros(1, 20, 30)
    hole[:, 5:16, 6:24] = 1
    result = compose(source, fill, hole, feather)
    outside = (hole == 0).expand_as(result)
    assert torch.equal(result[outside], source[outside])
    deep = (feather_weights(hole, feather) == 1).expand_as(result)
    assert torch.equal(result[deep], fill[deep])
    assert deep.any()
    band = ~outside & ~deep
    assert band.any() == (feather > 0)
    low, high = torch.minimum(source, fill), torch.maximum(source, fill)
    assert ((result >= low - 1e-6) & (result <= high + 1e-6)).all()


def test_the_edge_of_the_frame_is_not_softened(rng):
    source, fill = torch.zeros(3, 8, 8), torch.ones(3, 8, 8)
    result = compose(source, fill, torch.ones(1, 8, 8), 3)
    assert torch.equal(result, fill)


def test_what_is_wrong_outside_the_hole_does_not_spread():
    source = torch.zeros(3, 8, 8)
    hole = torch.zeros(1, 8, 8)
    hole[:, 2:6, 2:6] = 1
    fill = torch.full((3, 8, 8), 0.5)
    fill[:, 0] = float("nan")
    assert torch.isfinite(compose(source, fill, hole, 0)).all()
