import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lgtsm.errors import OptionError
from lgtsm.masks.morph import (
    feather_weights,
    fill_enclosed,
    fill_gaps,
    grow,
    shrink,
    shrink_to,
    temporal_grow,
)

properties = settings(max_examples=40, deadline=None)
shares = st.sampled_from([0.0, 0.02, 0.2, 0.6, 0.97, 1.0])


@st.composite
def small_holes(draw, max_frames=1):
    shape = (
        draw(st.integers(1, max_frames)),
        1,
        draw(st.integers(1, 14)),
        draw(st.integers(1, 14)),
    )
    rng = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    return (torch.rand(shape, generator=rng) < draw(shares)).float()


def _distance_to(marked):
    """Brute force: (H,W) distance of every pixel to the nearest marked one."""
    places = marked.nonzero().tolist()
    height, width = marked.shape
    far = torch.full((height, width), math.inf)
    for y, x in itertools.product(range(height), range(width)):
        for v, u in places:
            far[y, x] = min(far[y, x], math.hypot(y - v, x - u))
    return far


@properties
@given(holes=small_holes(), px=st.integers(0, 6))
def test_growing_adds_all_pixels_within_the_radius(holes, px):
    before = holes.clone()
    wanted = (_distance_to(holes[0, 0] > 0) <= px).float()
    assert torch.equal(grow(holes, px)[0, 0], wanted)
    assert torch.equal(holes, before)


@properties
@given(holes=small_holes(), px=st.integers(0, 6))
def test_shrinking_removes_all_pixels_within_the_radius(holes, px):
    wanted = (holes[0, 0] > 0) & (_distance_to(holes[0, 0] == 0) > px)
    assert torch.equal(shrink(holes, px)[0, 0], wanted.float())


@properties
@given(holes=small_holes(3), px=st.integers(0, 5))
def test_growing_is_monotone_and_keeps_frames_apart(holes, px):
    grown = grow(holes, px)
    assert (grown >= holes).all()
    assert (grow(holes, px + 1) >= grown).all()
    for hole, one in zip(holes, grown, strict=True):
        assert torch.equal(grow(hole, px), one)


@properties
@given(holes=small_holes(), px=st.integers(0, 5))
def test_feather_weights_follow_the_distance_to_known_pixels(holes, px):
    weights = feather_weights(holes, px)[0, 0]
    wanted = (_distance_to(holes[0, 0] == 0) / (px + 1)).clamp(max=1)
    if px == 0:
        wanted = holes[0, 0]
    assert torch.allclose(weights, wanted, atol=1e-6)
    assert torch.equal(weights > 0, holes[0, 0] > 0)


@properties
@given(holes=small_holes(3))
def test_filling_covers_what_cannot_be_reached_from_the_edge(holes):
    closed = fill_enclosed(holes)
    for hole, found in zip(holes[:, 0], closed[:, 0], strict=True):
        height, width = hole.shape
        open_ = {
            (y, x)
            for y, x in itertools.product(range(height), range(width))
            if hole[y, x] == 0 and (y in (0, height - 1) or x in (0, width - 1))
        }
        waiting = list(open_)
        while waiting:
            y, x = waiting.pop()
            for near in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
                inside = 0 <= near[0] < height and 0 <= near[1] < width
                if inside and near not in open_ and hole[near] == 0:
                    open_.add(near)
                    waiting.append(near)
        wanted = torch.ones(height, width)
        for place in open_:
            wanted[place] = 0
        assert torch.equal(found, wanted)


@properties
@given(seed=st.integers(0, 10**6), num_frames=st.integers(1, 14), n=st.integers(0, 6), share=shares)
def test_temporal_growth_adds_the_adjacent_frames(seed, num_frames, n, share):
    rng = torch.Generator().manual_seed(seed)
    holes = (torch.rand(num_frames, 1, 2, 3, generator=rng) < share).float()
    found = temporal_grow(holes, n)
    for t in range(num_frames):
        assert torch.equal(found[t], holes[max(0, t - n) : t + n + 1].amax(0))


@properties
@given(bits=st.lists(st.booleans(), min_size=1, max_size=20), n=st.integers(0, 6))
def test_short_gaps_are_filled_and_long_ones_stay(bits, n):
    holes = torch.tensor(bits).float().view(-1, 1, 1, 1)
    wanted = list(bits)
    masked = [i for i, bit in enumerate(bits) if bit]
    for before, after in itertools.pairwise(masked):
        if after - before - 1 <= n:
            wanted[before:after] = [True] * (after - before)
    assert (fill_gaps(holes, n).flatten() > 0).tolist() == wanted
    assert (holes.flatten() > 0).tolist() == bits


@properties
@given(holes=small_holes(2), height=st.integers(1, 14), width=st.integers(1, 14))
def test_downscaling_keeps_every_hole_pixel(holes, height, width):
    size = (min(height, holes.shape[2]), min(width, holes.shape[3]))
    small = shrink_to(holes, size)
    assert small.shape == (len(holes), 1, *size)
    for t, _, y, x in holes.nonzero().tolist():
        row = (y * size[0]) // holes.shape[2]
        column = (x * size[1]) // holes.shape[3]
        assert small[t, 0, row, column] == 1
    if not holes.any():
        assert not small.any()


@pytest.mark.parametrize(
    "call",
    [
        lambda x: grow(x, -1),
        lambda x: temporal_grow(x, -1),
        lambda x: fill_gaps(x, -2),
        lambda x: feather_weights(x, -1),
        lambda x: shrink_to(x, (0, 3)),
    ],
)
def test_negative_sizes_are_named(call, one_sentence):
    with pytest.raises(OptionError) as error:
        call(torch.zeros(1, 1, 4, 4))
    one_sentence(error.value)
