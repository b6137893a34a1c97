"""Static logos: what stays while the picture moves."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lgtsm.errors import OptionError, ShapeError
from lgtsm.masks.static import find_static

SIZE = (72, 128)


def _texture(seed):
    """A smooth random picture (3,h,w) larger than the frames."""
    noise = torch.rand(1, 3, 60, 80, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(noise, scale_factor=4, mode="bilinear")[0]


def _shot(seed=0, frames=24, speed=(2, 3)):
    """Frames (T,3,72,128) over which a camera pans."""
    wide, (height, width) = _texture(seed), SIZE
    return torch.stack(
        [
            wide[:, t * speed[0] : t * speed[0] + height, t * speed[1] : t * speed[1] + width]
            for t in range(frames)
        ]
    )


def _ring(top, left, side=16, stroke=3):
    """A square ring (1,72,128), as a logo."""
    shape = torch.zeros(1, *SIZE)
    shape[:, top : top + side, left : left + side] = 1
    shape[:, top + stroke : top + side - stroke, left + stroke : left + side - stroke] = 0
    return shape


def _laid_over(shot, shape, opacity=1.0, colour=(1.0, 1.0, 0.9)):
    alpha = shape * opacity
    return shot * (1 - alpha) + alpha * torch.tensor(colour)[:, None, None]


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 50),
    top=st.integers(1, SIZE[0] - 17),
    left=st.integers(1, SIZE[1] - 17),
    opacity=st.floats(0.5, 1.0),
)
def test_a_logo_is_found_wherever_it_stands(seed, top, left, opacity):
    shape = _ring(top, left)
    found = find_static(_laid_over(_shot(seed), shape, opacity)).mask
    assert float((found * shape).sum() / shape.sum()) > 0.95
    near = torch.nn.functional.max_pool2d(shape[None], 7, 1, 3)[0]
    near[:, top : top + 16, left : left + 16] = 1  # what it encloses may belong to it
    assert float((found * (1 - near)).mean()) < 0.002


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 1000), down=st.integers(1, 4), right=st.integers(1, 4))
def test_a_moving_picture_has_no_logo(seed, down, right):
    assert float(find_static(_shot(seed, speed=(down, right))).mask.mean()) < 0.003


def test_the_mask_is_that_of_frames_given_one_by_one():
    shot = _laid_over(_shot(), _ring(4, 100), 0.6)
    found = find_static(frame for frame in shot)
    assert torch.equal(found.mask, find_static(shot).mask)
    assert found.frames == len(shot)
    assert set(found.mask.unique().tolist()) == {0.0, 1.0}


def test_the_inside_of_an_opaque_logo_belongs_to_it():
    solid = torch.zeros(1, *SIZE)
    solid[:, 20:44, 40:90] = 1
    found = find_static(_laid_over(_shot(), solid)).mask
    assert bool(found[solid > 0].all())


def test_bars_of_a_letterbox_are_no_logo_but_what_stands_in_them_is():
    shot = _shot()
    shot[:, :, :10] = shot[:, :, -10:] = 0
    assert float(find_static(shot).mask.mean()) < 0.003
    shot[:, :, 3:7, 100:112] = 0.9
    found = find_static(shot).mask
    assert bool(found[:, 3:7, 100:112].all())
    assert float(found.mean()) < 0.01


@pytest.mark.parametrize("moving", [0, 12])
def test_a_still_shot_says_that_nothing_can_be_told(one_sentence, moving):
    """Also where something small moves before a camera that stands still."""
    still = _texture(1)[:, : SIZE[0], : SIZE[1]].expand(24, -1, -1, -1).clone()
    for t in range(24 if moving else 0):
        still[t, :, 30 : 30 + moving, 3 * t : 3 * t + moving] = 1 - t / 30
    still += torch.randn(still.shape, generator=torch.Generator().manual_seed(2)) * 0.004
    with pytest.raises(OptionError, match="nothing can be told") as caught:
        find_static(still.clamp(0, 1))
    one_sentence(caught.value)


def test_too_few_frames_and_several_sizes_are_refused(one_sentence):
    with pytest.raises(ShapeError, match="at least 8 frames") as caught:
        find_static(_shot(frames=7))
    one_sentence(caught.value)
    with pytest.raises(ShapeError, match="one size") as caught:
        find_static([*_shot(frames=8), torch.zeros(3, 70, 128)])
    one_sentence(caught.value)
