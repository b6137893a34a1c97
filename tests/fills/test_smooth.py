from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lgtsm.fills.smooth import push_pull, smooth_fill

# hypothesis repeats a body many times, and the first run of torch is slow: no deadline
properties = settings(max_examples=30, deadline=None)


def _box_hole(size, rows, columns):
    hole = torch.zeros(1, 1, *size)
    hole[..., slice(*rows), slice(*columns)] = 1
    return hole


@properties
@given(
    size=st.tuples(st.integers(1, 37), st.integers(1, 41)),
    share=st.sampled_from([0.0, 0.1, 0.5, 0.95, 1.0]),
    seed=st.integers(0, 1000),
)
def test_any_size_and_hole_gives_values_within_the_known_range(size, share, seed):
    rng = torch.Generator().manual_seed(seed)
    frames = torch.rand(2, 3, *size, generator=rng)
    holes = (torch.rand(2, 1, *size, generator=rng) < share).float()
    filled = smooth_fill(frames, holes)
    known = holes.expand_as(frames) == 0
    assert filled.shape == frames.shape
    assert torch.equal(filled[known], frames[known])
    for n in range(2):
        for channel in range(3):
            values = frames[n, channel][known[n, channel]]
            low, high = (values.min(), values.max()) if len(values) else (0.0, 0.0)
            assert filled[n, channel].min() >= low - 1e-5
            assert filled[n, channel].max() <= high + 1e-5


def test_constant_frame_is_reproduced():
    hole = _box_hole((45, 50), (7, 33), (11, 48))
    filled = smooth_fill(torch.full((1, 3, 45, 50), 0.37), hole)
    torch.testing.assert_close(filled, torch.full_like(filled, 0.37), atol=1e-6, rtol=0)


@pytest.mark.parametrize("axis", [-1, -2])
def test_linear_ramp_is_nearly_reproduced(axis):
    ramp = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    frame = ramp if axis == -1 else ramp.transpose(-1, -2)
    hole = _box_hole((64, 64), (22, 42), (20, 44))
    error = (smooth_fill(frame, hole) - frame).abs()
    # the hole spans 0.38 of the ramp; its mean colour alone would be 0.19 wrong at the edges
    assert error.max() < 0.06
    assert error[hole.expand_as(error) > 0].mean() < 0.02


def test_hole_at_the_border_continues_the_nearest_colours():
    frame = torch.cat([torch.zeros(1, 3, 32, 32), torch.ones(1, 3, 32, 32)], -1)
    filled = smooth_fill(frame, _box_hole((32, 64), (0, 32), (48, 64)))
    assert (filled[..., 48:] > 0.5).all()  # the mean of all known pixels is 0.33


def test_frame_that_is_all_hole_is_finite(rng):
    filled = smooth_fill(torch.rand(1, 3, 19, 23, generator=rng), torch.ones(1, 1, 19, 23))
    assert torch.equal(filled, torch.zeros_like(filled))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_values_under_the_hole_are_ignored(value, rng):
    frame, hole = torch.rand(1, 3, 33, 35, generator=rng), _box_hole((33, 35), (5, 20), (9, 30))
    spoilt = torch.where(hole > 0, torch.full_like(frame, value), frame)
    assert torch.equal(smooth_fill(spoilt, hole), smooth_fill(frame, hole))


def test_frames_do_not_mix(rng):
    frames = torch.rand(3, 3, 20, 24, generator=rng)
    holes = (torch.rand(3, 1, 20, 24, generator=rng) < 0.4).float()
    together = smooth_fill(frames, holes)
    alone = torch.cat([smooth_fill(frames[i : i + 1], holes[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)


def test_flips_commute_with_the_fill_where_the_pyramid_is_symmetric(rng):
    frame = torch.rand(1, 3, 32, 64, generator=rng)  # powers of two: no padding on one side only
    hole = _box_hole((32, 64), (4, 25), (9, 50))
    flipped = smooth_fill(frame.flip(-1), hole.flip(-1)).flip(-1)
    torch.testing.assert_close(flipped, smooth_fill(frame, hole), atol=1e-6, rtol=0)


def test_smooth_fill_is_smooth(toy_clip, toy_holes):
    filled = smooth_fill(toy_clip, toy_holes)
    inside = toy_holes[..., 1:] * toy_holes[..., :-1]
    steps = (filled[..., 1:] - filled[..., :-1]).abs() * inside
    assert steps.max() < 2 * (toy_clip[..., 1:] - toy_clip[..., :-1]).abs().max()


def test_partial_weights_mix_given_and_spread_values():
    values = torch.tensor([1.0, 0.0]).repeat(8, 4).view(1, 1, 8, 8)
    weights = torch.full((1, 1, 8, 8), 0.5)
    spread = push_pull(values, weights)
    assert ((spread > 0.1) & (spread < 0.9)).all()
    assert (spread[..., ::2] > spread[..., 1::2]).all()
