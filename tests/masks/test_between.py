"""Masks between key masks."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lgtsm.errors import OptionError, ShapeError
from lgtsm.masks.between import masks_between

SIZE = (60, 90)


def _disc(row, column, radius):
    y, x = torch.meshgrid(torch.arange(SIZE[0]), torch.arange(SIZE[1]), indexing="ij")
    return (((y - row) ** 2 + (x - column) ** 2) <= radius**2).float()[None]


def _clip(keys, num_frames):
    return torch.stack(list(masks_between(keys, num_frames)))


def _centre(mask):
    y, x = torch.nonzero(mask[0], as_tuple=True)
    return float(y.float().mean()), float(x.float().mean())


def _iou(one, other):
    return float((one * other).sum() / torch.maximum(one, other).sum())


@settings(max_examples=30, deadline=None)
@given(data=st.data(), first=st.integers(0, 5), gap=st.integers(1, 9))
def test_key_masks_come_out_as_they_are_and_stand_still_outside(data, first, gap):
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 2**31)))
    keys = {
        t: (torch.rand(1, *SIZE, generator=generator) > 0.7).float() for t in (first, first + gap)
    }
    clip = _clip(keys, first + gap + 3)
    assert clip.shape == (first + gap + 3, 1, *SIZE)
    for t, mask in enumerate(clip):
        if t <= first:
            assert torch.equal(mask, keys[first])
        elif t >= first + gap:
            assert torch.equal(mask, keys[first + gap])


@settings(max_examples=30, deadline=None)
@given(
    start=st.tuples(st.integers(10, 48), st.integers(10, 78)),
    end=st.tuples(st.integers(10, 48), st.integers(10, 78)),
    radii=st.tuples(st.integers(4, 10), st.integers(4, 10)),
    gap=st.integers(2, 8),
)
def test_a_disc_travels_and_grows_evenly(start, end, radii, gap):
    clip = _clip({0: _disc(*start, radii[0]), gap: _disc(*end, radii[1])}, gap + 1)
    for t, mask in enumerate(clip):
        share = t / gap
        place = [a + share * (b - a) for a, b in zip(start, end, strict=True)]
        assert _centre(mask) == pytest.approx(tuple(place), abs=1)
        radius = radii[0] + share * (radii[1] - radii[0])
        assert _iou(mask, _disc(*place, radius)) > 0.7
        assert float(mask.sum()) ** 0.5 == pytest.approx((3.14159 * radius**2) ** 0.5, abs=1.8)


def test_equal_key_masks_stand_still():
    shape = torch.maximum(_disc(20, 20, 9), _disc(30, 26, 6))
    assert torch.equal(_clip({0: shape, 6: shape}, 7), shape.expand(7, -1, -1, -1))


def test_two_objects_go_each_their_way():
    before = torch.maximum(_disc(15, 15, 7), _disc(45, 75, 7))
    after = torch.maximum(_disc(25, 15, 7), _disc(35, 75, 7))
    middle = _clip({0: before, 4: after}, 5)[2]
    assert _iou(middle, torch.maximum(_disc(20, 15, 7), _disc(40, 75, 7))) > 0.85


def test_an_object_that_splits_stays_masked():
    after = torch.maximum(_disc(30, 30, 8), _disc(30, 60, 8))
    clip = _clip({0: _disc(30, 45, 12), 6: after}, 7)
    assert all(float(mask.sum()) > 100 for mask in clip)


def test_an_empty_key_mask_ends_the_object_on_its_frame():
    shape, empty = _disc(30, 40, 8), torch.zeros(1, *SIZE)
    clip = _clip({0: empty, 2: shape, 6: empty}, 8)
    assert [bool(mask.any()) for mask in clip] == [False] * 2 + [True] * 4 + [False] * 2
    assert torch.equal(clip[5], shape)


@pytest.mark.parametrize(
    ("keys", "error"),
    [
        ({}, OptionError),
        ({-1: torch.zeros(1, 4, 4)}, OptionError),
        ({9: torch.zeros(1, 4, 4)}, OptionError),
        ({0: torch.zeros(1, 4, 4), 3: torch.zeros(1, 4, 5)}, ShapeError),
        ({0: torch.zeros(4, 4)}, ShapeError),
    ],
)
def test_impossible_key_masks_are_refused_before_anything_is_made(keys, error, one_sentence):
    with pytest.raises(error) as caught:
        masks_between(keys, 9)
    one_sentence(caught.value)
