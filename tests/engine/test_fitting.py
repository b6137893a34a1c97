"""Frames larger than the network works at."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lgtsm.box import hole_box
from lgtsm.engine.fitting import plan_fit, to_source, to_working
from lgtsm.options import InpaintOptions, Mode, RunOptions


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    max_side=st.integers(8, 64),
    where=st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)),
)
def test_no_hole_pixel_is_lost_on_the_way(height, width, max_side, where):
    fit = plan_fit((height, width), max_side=max_side, multiple=4)
    assert max(fit.working) <= max(max_side, 1)
    assert all(p % 4 == 0 and p >= w for p, w in zip(fit.padded, fit.working, strict=True))
    hole = torch.zeros(1, height, width)
    row, column = int(where[0] * height), int(where[1] * width)
    hole[0, row, column] = 1
    frame = torch.full((3, height, width), 0.25)
    frame[:, row, column] = 1.0
    working, small = to_working(frame, hole, fit)
    assert tuple(small.shape) == (1, *fit.padded)
    assert small[0, : fit.working[0], : fit.working[1]].any()
    known = (small == 0).expand_as(working)
    assert torch.allclose(working[known], torch.tensor(0.25), atol=1e-5)
    assert not working[~known].any()


def test_equal_sizes_change_nothing(rng):
    fit = plan_fit((32, 48), max_side=64, multiple=4)
    assert not fit.resized
    frame, hole = torch.rand(3, 32, 48, generator=rng), torch.zeros(1, 32, 48)
    working, same = to_working(frame, hole, fit)
    assert torch.equal(working, frame)
    assert torch.equal(same, hole)


def test_enlarging_a_part_equals_enlarging_all(rng):
    fit = plan_fit((90, 120), max_side=64, multiple=4)
    values = torch.rand(3, *fit.padded, generator=rng)
    hole = torch.zeros(1, 90, 120)
    hole[:, 30:52, 41:77] = 1
    from lgtsm.box import Box

    all_, wanted = Box(0, 0, *fit.padded), hole_box(hole)
    whole = to_source(values, all_, wanted, fit)
    near = Box(12, 16, 32, 48)
    part = to_source(values[:, near.rows, near.columns], near, wanted, fit)
    assert (whole - part).abs().max() < 1e-5


@pytest.mark.parametrize("mode", Mode)
def test_a_large_frame_keeps_its_size_and_what_is_known(mode, tiny_network, run_job, rng):
    frames = torch.rand(5, 3, 97, 150, generator=rng)
    holes = torch.zeros(5, 1, 97, 150)
    holes[:, :, 20:60, 30:90] = 1
    holes[2, :, 90, 149] = 1
    options = InpaintOptions(mode=mode, run=RunOptions(max_side=64), cuts=())
    network = None if mode is Mode.COPY else tiny_network
    result = run_job(network, frames, holes, options)
    outside = (holes == 0).expand_as(result)
    assert torch.equal(result[outside], frames[outside])
    assert not torch.equal(result[2, :, 90, 149], frames[2, :, 90, 149])
    assert result.min() >= 0
    assert result.max() <= 1


def test_a_plain_clip_stays_plain_whatever_lies_in_the_hole(run_job):
    from lgtsm.models.build import build
    from lgtsm.models.spec import FAMILIES

    colour = torch.tensor([0.2, 0.55, 0.8]).view(3, 1, 1)
    plain = colour.expand(3, 3, 120, 161).clone()
    holes = torch.zeros(3, 1, 120, 161)
    holes[:, :, 33:80, 100:] = 1
    frames = torch.where(holes > 0, torch.ones_like(plain), plain)
    options = InpaintOptions(run=RunOptions(max_side=64), feather=0)
    result = run_job(build(FAMILIES["refine"]).eval(), frames, holes, options)
    assert (result - plain).abs().max() < 1e-4
