"""Pictures at twice their size keep what they show, and lose less where they are sampled."""

import pytest
import torch

from lgtsm.align.sampling import pixel_grid, sample_at
from lgtsm.copying.oversampling import coords_in_twice, twice


def test_flat_pictures_stay_flat_and_ramps_stay_ramps():
    flat = torch.full((2, 3, 9, 12), 0.3)
    assert torch.allclose(twice(flat), torch.full((2, 3, 18, 24), 0.3), atol=1e-6)
    ramp = torch.arange(20.0).expand(1, 1, 20, 20) / 20
    inner = twice(ramp)[0, 0, 20, 8:-8]
    wanted = torch.arange(40.0)[8:-8] / 40
    assert inner == pytest.approx(wanted, abs=2e-3)


def test_channels_and_pictures_do_not_mix(rng):
    pictures = torch.rand(2, 3, 8, 10, generator=rng)
    whole = twice(pictures)
    assert torch.allclose(whole[1:, 2:], twice(pictures[1:, 2:]), atol=1e-6)


def test_half_way_between_pixels_more_detail_is_kept(rng):
    picture = torch.rand(1, 1, 40, 40, generator=rng)
    coords = pixel_grid(40, 40, picture) + 0.5
    plain = sample_at(picture, coords, mode="bicubic")
    fine = sample_at(twice(picture), coords_in_twice(coords), mode="bicubic")
    assert fine.diff(dim=-1).abs().mean() > 1.1 * plain.diff(dim=-1).abs().mean()


def test_at_whole_pixels_nothing_is_lost(rng):
    picture = torch.rand(1, 3, 20, 30, generator=rng)
    coords = pixel_grid(20, 30, picture)
    same = sample_at(twice(picture), coords_in_twice(coords), mode="bicubic")
    assert (same - picture).abs().max() < 1e-5
