from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lgtsm.fills.edges import continue_edges
from lgtsm.fills.smooth import smooth_fill


def _hole(height, width, rows, columns):
    hole = torch.zeros(1, 1, height, width)
    hole[..., slice(*rows), slice(*columns)] = 1
    return hole


def _filled(frame, hole):
    smooth = smooth_fill(frame * (1 - hole), hole)
    return continue_edges(smooth, hole), smooth


def _errors(frame, hole):
    filled, smooth = _filled(frame, hole)
    hidden = hole.expand_as(frame) > 0
    return [float((x - frame)[hidden].square().mean()) for x in (filled, smooth)]


@pytest.mark.parametrize("angle", [0.0, 0.4, 0.8, 1.57, 2.4])
def test_a_straight_edge_goes_on_through_the_hole(angle):
    y, x = torch.meshgrid(torch.arange(80.0), torch.arange(90.0), indexing="ij")
    across = (x - 45) * torch.sin(torch.tensor(angle)) - (y - 40) * torch.cos(torch.tensor(angle))
    frame = (0.5 + 0.3 * torch.tanh(across)).expand(1, 3, 80, 90)
    error, before = _errors(frame, _hole(80, 90, (28, 52), (33, 57)))
    assert error < 0.3 * before


def test_a_flat_picture_stays_flat():
    frame = torch.full((1, 3, 40, 50), 0.3)
    filled, _ = _filled(frame, _hole(40, 50, (10, 30), (15, 35)))
    torch.testing.assert_close(filled, frame, atol=1e-4, rtol=0)


def test_where_no_direction_is_clear_little_changes(rng):
    frame = torch.rand(1, 3, 80, 90, generator=rng)
    error, before = _errors(frame, _hole(80, 90, (30, 50), (35, 55)))
    assert error < 1.35 * before


def test_a_hole_too_deep_for_lines_ends_smoothly():
    frame = torch.zeros(1, 3, 200, 200)
    frame[..., 100:] = 1
    hole = _hole(200, 200, (10, 190), (10, 190))
    filled, smooth = _filled(frame, hole)
    assert torch.equal(filled[..., 96:104, 96:104], smooth[..., 96:104, 96:104])
    steps = (filled[..., 1:, :] - filled[..., :-1, :]).abs()
    assert steps[..., 60:140, 60:90].max() < 0.05


@settings(max_examples=25, deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    share=st.sampled_from([0.0, 0.02, 0.5, 0.98, 1.0]),
    seed=st.integers(0, 1000),
)
def test_any_hole_is_filled_within_range_and_nothing_else_changes(size, share, seed):
    rng = torch.Generator().manual_seed(seed)
    frame = torch.rand(1, 3, *size, generator=rng)
    hole = (torch.rand(1, 1, *size, generator=rng) < share).float()
    filled, smooth = _filled(frame, hole)
    known = hole.expand_as(frame) == 0
    assert torch.equal(filled[known], smooth[known])
    assert filled.min() >= 0
    assert filled.max() <= 1 + 1e-6


def test_what_lies_under_the_hole_does_not_matter(rng):
    frame = torch.rand(1, 3, 50, 60, generator=rng)
    hole = _hole(50, 60, (15, 35), (20, 40))
    other = torch.where(hole > 0, torch.rand(frame.shape, generator=rng), frame)
    one, two = (continue_edges(smooth_fill(x, hole), hole) for x in (frame, other))
    assert torch.equal(one, two)


def test_holes_closed_together_equal_each_alone(rng):
    frames = torch.rand(4, 3, 50, 60, generator=rng)
    holes = torch.cat(
        [
            _hole(50, 60, (15, 35), (20, 40)),
            _hole(50, 60, (0, 9), (30, 60)),
            torch.zeros(1, 1, 50, 60),
            torch.ones(1, 1, 50, 60),
        ]
    )
    together, _ = _filled(frames, holes)
    alone = [_filled(frames[i : i + 1], holes[i : i + 1])[0] for i in range(4)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-6, rtol=0)
