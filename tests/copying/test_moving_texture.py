"""Detail of a synthesised texture, taken from where its pixels came from."""

import pytest
import torch

from lgtsm.align.sampling import pixel_grid
from lgtsm.copying.moving_texture import Texture, moved_detail


def _moved(now, shift, still):
    grid = pixel_grid(*still.shape[-2:], still)
    return moved_detail(still, shift, grid, now, lambda coords: coords)


@pytest.fixture
def noise(rng):
    return torch.rand(1, 3, 96, 160, generator=rng)


def test_detail_has_no_broad_colours(noise):
    wide = torch.linspace(0, 0.5, 160).expand(1, 3, 96, 160)
    detail = Texture.of(0.5 * noise + wide, torch.ones_like(noise[:, :1])).detail
    for left in (30, 70, 110):
        assert detail[..., 30:66, left : left + 20].mean().abs() < 0.02


def test_one_shift_shows_the_source_as_it_is_now(noise):
    now = Texture(0.1 * (noise - 0.5), torch.ones_like(noise[:, :1]))
    shift = torch.zeros(1, 2, 96, 160)
    shift[:, 0] = 40
    moved = _moved(now, shift, now.detail)
    assert torch.allclose(moved[..., :110], now.detail[..., 40:150], atol=0.01)


def test_cells_from_different_places_keep_the_strength_of_the_texture(noise, rng):
    now = Texture(0.1 * (noise - 0.5), torch.ones_like(noise[:, :1]))
    shift = torch.randint(-30, 31, (1, 2, 8, 14), generator=rng).float()
    shift = shift.repeat_interleave(12, -1).repeat_interleave(12, -2)[..., :96, :160]
    moved = _moved(now, shift, now.detail.flip(-1))
    inside = (..., slice(36, 60), slice(36, 124))
    assert moved[inside].std() == pytest.approx(float(now.detail.std()), rel=0.1)


def test_what_is_hidden_now_stays_as_it_was(noise):
    hidden = torch.ones_like(noise[:, :1])
    hidden[..., 80:] = 0
    now, still = Texture(0.1 * (noise - 0.5), hidden), torch.full_like(noise, 0.03)
    shift = torch.zeros(1, 2, 96, 160)
    shift[:, 0] = 60
    assert torch.allclose(_moved(now, shift, still)[..., 21:], still[..., 21:])


def test_what_is_stronger_than_the_texture_stays_out(noise):
    """A window pane beside a wall, into which some cells reach."""
    now = Texture(0.02 * (noise - 0.5), torch.ones_like(noise[:, :1]))
    now.detail[..., 90:] += 0.3
    shift = torch.zeros(1, 2, 96, 160)
    shift[:, 0] = 60
    still = 0.02 * (noise.flip(-1) - 0.5)
    assert _moved(now, shift, still).abs().max() <= 0.01
