"""Drawn masks: their coverage, and that only the seed determines them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lgtsm.errors import OptionError
from lgtsm.masks.draw.kinds import KINDS, Kind
from lgtsm.masks.draw.raster import draw_masks

every_kind = pytest.mark.parametrize("kind", Kind)


@every_kind
def test_the_target_coverage_is_met(kind):
    low, high = KINDS[kind].coverage_limits
    for wanted in np.geomspace(max(low, 0.03), high * 0.95, 3):
        for seed in (0, 1):
            holes = draw_masks(6, 120, 160, kind=kind, seed=seed, coverage_ratio=float(wanted))
            assert abs(float(holes.mean()) - wanted) <= max(0.1 * wanted, 0.003)


@every_kind
def test_a_usual_coverage_is_drawn_by_default(kind):
    low, high = KINDS[kind].usual_coverage
    found = [float(draw_masks(3, 96, 128, kind=kind, seed=s).mean()) for s in range(8)]
    assert min(found) > 0.2 * low
    assert max(found) < 2.5 * high


@every_kind
def test_a_seed_determines_everything(kind):
    before = (torch.get_rng_state(), np.random.get_state()[1].copy())  # noqa: NPY002
    clips = [draw_masks(5, 60, 80, kind=kind, seed=s, coverage_ratio=0.05) for s in (7, 7, 8)]
    assert torch.equal(clips[0], clips[1])
    assert not torch.equal(clips[0], clips[2])
    assert clips[0].shape == (5, 1, 60, 80)
    assert set(clips[0].unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


@every_kind
def test_static_masks_are_constant_and_others_move(kind):
    still = draw_masks(4, 60, 80, kind=kind, seed=3, speed=0.0)
    assert all(torch.equal(hole, still[0]) for hole in still)
    moving = draw_masks(80, 60, 80, kind=kind, seed=3)
    assert KINDS[kind].moves == any(not torch.equal(hole, moving[0]) for hole in moving)


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(list(Kind)),
    num_frames=st.integers(1, 4),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    seed=st.integers(0, 1000),
    adjust=st.booleans(),
)
def test_any_size_can_be_drawn(kind, num_frames, size, seed, adjust):
    ratio = KINDS[kind].coverage_limits[1] / 2 if adjust else None
    holes = draw_masks(num_frames, *size, kind=kind, seed=seed, coverage_ratio=ratio)
    assert holes.shape == (num_frames, 1, *size)
    assert ((holes == 0) | (holes == 1)).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: draw_masks(0, 8, 8, kind=Kind.BOX, seed=0),
        lambda: draw_masks(1, 8, 8, kind=Kind.BOX, seed=-1),
        lambda: draw_masks(1, 8, 8, kind=Kind.BOX, seed=0, coverage_ratio=0.99),
        lambda: draw_masks(1, 8, 8, kind=Kind.BOX, seed=0, speed=float("nan")),
    ],
)
def test_numbers_outside_their_range_are_named(call, one_sentence):
    with pytest.raises(OptionError) as error:
        call()
    one_sentence(error.value)
