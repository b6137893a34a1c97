from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_cdt

from lgtsm.fills.depth import depth_in, rings


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
def test_depth_is_the_distance_to_the_nearest_known_pixel(hole):
    depth = depth_in(hole[None, None].float(), 6, metric="chessboard")[0, 0]
    assert torch.equal(depth, _distance(hole, "chessboard").clamp_max(6).float())


@given(holes())
def test_rings_lie_between_both_distances_and_stop_at_the_most(hole):
    depth = rings(hole.float(), 5)
    least = _distance(hole, "chessboard").clamp_max(5)
    most = _distance(hole, "taxicab").clamp_max(5)
    assert (depth >= least).all()
    assert (depth <= most).all()
