import json

import pytest
import torch

from lgtsm.evaluate.bench.product import (
    ProductCase,
    format_product,
    moving_disc,
    product_json,
    run_product,
)
from lgtsm.scene.camera import Camera

SMALL = ProductCase(camera=Camera.LOCKED, height=48, width=64, num_frames=4)


def test_the_disc_has_its_hole_ratio_and_moves():
    holes = moving_disc(ProductCase(camera=Camera.LOCKED))
    assert holes.shape == (48, 1, 240, 432)
    assert holes.mean((1, 2, 3)).tolist() == pytest.approx([0.05] * 48, rel=0.02)
    assert not torch.equal(holes[0], holes[1])


@pytest.mark.slow
def test_the_whole_product_is_timed_beside_the_published_network():
    [result] = run_product((SMALL,), device=torch.device("cpu"), rounds=1)
    assert result.case == "64x48 locked copy+fill auto"
    assert result.frames_per_second == pytest.approx(1 / result.seconds_per_frame)
    ratio = result.published_seconds_per_frame / result.seconds_per_frame
    assert result.ratio == pytest.approx(ratio)
    assert json.loads(product_json([result]))[0]["case"] == result.case
    heading, row = format_product([result]).splitlines()
    assert heading.split()[0] == "case"
    assert row.startswith(result.case)
