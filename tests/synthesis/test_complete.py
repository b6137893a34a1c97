"""Completion of one picture from its own patches."""

import pytest
import torch
from torch.nn.functional import avg_pool2d

from lgtsm.fills.smooth import smooth_fill
from lgtsm.synthesis.complete import complete


def _hole(height, width, *boxes):
    hole = torch.zeros(1, 1, height, width)
    for top, left, bottom, right in boxes:
        hole[..., top:bottom, left:right] = 1
    return hole


def _stripes(height=72, width=96):
    """Slanted stripes of two colours with soft edges."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    wave = 0.5 + 0.4 * torch.sin((x + 0.5 * y) * (2 * torch.pi / 12))
    return torch.stack([wave, 0.3 + 0.4 * wave, 1 - wave])[None]


def _grain(rng, height=72, width=96):
    return avg_pool2d(torch.rand(1, 3, height + 2, width + 2, generator=rng), 3, 1)


def _sharpness(picture, where):
    """Mean difference of neighbours, over pixels of the mask (1,1,h,w)."""
    steps = (picture[..., 1:] - picture[..., :-1]).abs().mean(1, keepdim=True)
    inside = where[..., 1:] * where[..., :-1]
    return float((steps * inside).sum() / inside.sum())


def test_structure_is_continued_where_a_smooth_fill_loses_it():
    picture, hole = _stripes(), _hole(72, 96, (24, 32, 48, 64))
    done = complete(picture, hole, 1 - hole).picture
    inside = hole.expand_as(picture) > 0
    error = (done - picture)[inside].square().mean().sqrt()
    smooth = (smooth_fill(picture, hole) - picture)[inside].square().mean().sqrt()
    assert error < 0.08
    assert error < 0.3 * smooth


def test_texture_is_as_sharp_as_its_surroundings(rng):
    picture, hole = _grain(rng), _hole(72, 96, (20, 30, 50, 66))
    done = complete(picture, hole, 1 - hole).picture
    assert 0.75 < _sharpness(done, hole) / _sharpness(picture, 1 - hole) < 1.25


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_colours_follow_what_the_border_suggests(seed):
    """A dark wall beside a light floor, of which the hole leaves a narrow strip."""
    picture = 0.7 + 0.3 * (_grain(torch.Generator().manual_seed(seed)) - 0.5)
    picture[..., 80:] -= 0.45
    hole = _hole(72, 96, (16, 56, 56, 90))
    done = complete(picture, hole, 1 - hole).picture
    broad, wanted = (avg_pool2d(x, 9, 1, 4) for x in (done, picture))
    error = ((broad - wanted).square() * hole).sum() / (3 * hole.sum())
    assert error.sqrt() < 0.03


def test_lines_that_vanish_at_half_the_size_are_made_of_what_is_beside_them(rng):
    """A strip beside a large hole: nothing of it is searched at smaller sizes."""
    picture = 0.75 + 0.2 * (_grain(rng, 160, 208) - 0.5)
    picture[..., :60, :60] -= 0.6
    hole = _hole(160, 208, (70, 90, 120, 140), (20, 191, 130, 193), (149, 100, 151, 190))
    done = complete(picture, hole, 1 - hole).picture
    assert done[hole.expand_as(done) > 0].min() > 0.6


def test_known_pixels_stay_bit_for_bit_and_inputs_unchanged(rng):
    picture, hole = _grain(rng), _hole(72, 96, (0, 10, 30, 40), (60, 80, 72, 96))
    before = picture.clone()
    done = complete(picture, hole, 1 - hole).picture
    assert torch.equal(picture, before)
    assert torch.equal(torch.where(hole > 0, 0, done), torch.where(hole > 0, 0, picture))


def test_what_lies_in_the_hole_does_not_matter(rng):
    picture, hole = _grain(rng), _hole(72, 96, (20, 30, 50, 66))
    other = torch.where(hole > 0, 1 - picture, picture)
    one, two = (complete(x, hole, 1 - hole) for x in (picture, other))
    assert torch.equal(one.picture, two.picture)
    assert torch.equal(one.sources, two.sources)


def test_nothing_is_taken_from_untrusted_pixels(rng):
    picture, hole = _grain(rng), _hole(72, 96, (20, 30, 50, 66))
    untrusted = _hole(72, 96, (0, 66, 72, 96))
    picture = torch.where(untrusted > 0, torch.tensor([1.0, 0, 0])[:, None, None], picture)
    done = complete(picture, hole, (1 - hole) * (1 - untrusted))
    sources = done.sources[done.sources >= 0]
    assert len(sources) == int(hole.sum())
    assert not ((untrusted + hole).flatten()[sources] > 0).any()
    deep = done.picture[..., 24:46, 34:58]
    assert deep[:, 0].max() < 0.95


def test_the_seed_decides(rng):
    picture, hole = _grain(rng, 160, 208), _hole(160, 208, (50, 60, 110, 140))
    same = [complete(picture, hole, 1 - hole, seed=s).picture for s in (3, 3, 4)]
    assert torch.equal(same[0], same[1])
    assert not torch.equal(same[0], same[2])


@pytest.mark.parametrize(
    "hole",
    [
        _hole(40, 40, (0, 0, 40, 40)),
        _hole(40, 40, (0, 0, 40, 37)),
        _hole(40, 40, (3, 3, 37, 37)),
        1 - _hole(40, 40, (18, 18, 22, 22)),
    ],
    ids=["everything", "all but a strip", "all but a frame", "all but a spot"],
)
def test_without_a_whole_known_patch_the_smooth_fill_stays(hole, rng):
    picture = _grain(rng, 40, 40)
    done = complete(picture, hole, 1 - hole)
    assert torch.isfinite(done.picture).all()
    assert (done.sources < 0).all()
    assert torch.equal(torch.where(hole > 0, 0, done.picture), torch.where(hole > 0, 0, picture))


@pytest.mark.parametrize("size", [(7, 7), (9, 30), (31, 33)])
def test_small_pictures_and_single_pixels_are_completed(size, rng):
    picture, hole = _grain(rng, *size), torch.zeros(1, 1, *size)
    hole[..., 3, 3] = 1
    assert torch.isfinite(complete(picture, hole, 1 - hole).picture).all()


def test_a_hole_that_touches_all_borders_is_completed(rng):
    picture = _grain(rng)
    hole = _hole(72, 96, (0, 40, 72, 56), (30, 0, 42, 96))
    done = complete(picture, hole, 1 - hole).picture
    assert 0.6 < _sharpness(done, hole) / _sharpness(picture, 1 - hole) < 1.4


def test_flat_colour_stays_flat():
    picture, hole = torch.full((1, 3, 48, 64), 0.25), _hole(48, 64, (10, 10, 40, 50))
    assert (complete(picture, hole, 1 - hole).picture - 0.25).abs().max() < 1e-5
