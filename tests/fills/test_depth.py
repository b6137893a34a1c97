from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_cdt

from lgtsm.fills.depth import chessboard_depth, rings, shrink


@st.composite
def holes(draw):
    height, width = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    bits = draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    return torch.tensor(bits).reshape(height, width)


def _distance(hole, metric):
    """Distance to the nearest known pixel; beyond the picture nothing counts as known."""
    if hole.all():
        return torch.full(hole.shape, 99)
    return torch.from_numpy(distance_transform_cdt(hole.numpy(), metric).astype("int64"))


@given(holes())
def test_shrinking_takes_off_what_is_one_pixel_from_known(hole):
    assert torch.equal(shrink(hole, corners=True), _distance(hole, "chessboard") > 1)
    assert torch.equal(shrink(hole, corners=False), _distance(hole, "taxicab") > 1)


@given(holes(), st.integers(1, 3))
def test_chessboard_depth_is_the_distance_rounded_up(hole, step):
    expected = (-(-_distance(hole, "chessboard") // step) * step).clamp_max(6 * step)
    depth = chessboard_depth(hole.float(), step, 6 * step)
    assert torch.equal(depth, expected.float())


@given(holes())
def test_rings_lie_between_both_distances_and_stop_at_the_most(hole):
    depth = rings(hole.float(), 5)
    least = _distance(hole, "chessboard").clamp_max(5)
    most = _distance(hole, "taxicab").clamp_max(5)
    assert (depth >= least).all()
    assert (depth <= most).all()
