"""From seconds to frames, and masks for a part of a file."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from lgtsm.errors import VideoError
from lgtsm.video.layer import write_clip
from lgtsm.video.mask_clip import write_mask_clip
from lgtsm.video.read import read_masks
from lgtsm.video.span import frame_span


@pytest.fixture
def film(tmp_path):
    """Return a film of 12 frames, 25 a second, with frames that depend on later ones."""
    write_clip(tmp_path / "film.mp4", torch.rand(12, 3, 32, 48), rate=Fraction(25))
    return tmp_path / "film.mp4"


@pytest.mark.parametrize(
    ("start", "seconds", "expected"),
    [
        (0, 0, (0, None)),
        (0.08, 0, (2, None)),
        (0.121, 0.12, (3, 6)),
        (0, 0.04, (0, 1)),
        (0.4, 9, (10, None)),
    ],
)
def test_a_stretch_of_time_is_a_range_of_frames(film, start, seconds, expected):
    assert frame_span(film, start, seconds) == expected


def test_a_stretch_without_frames_is_refused(film, one_sentence):
    with pytest.raises(VideoError) as caught:
        frame_span(film, 7.0, 1.0)
    one_sentence(caught.value)


def test_masks_of_a_part_have_empty_ones_around_them(tmp_path):
    target = tmp_path / "masks.mkv"
    masks = torch.ones(2, 1, 8, 8)
    write_mask_clip(target, masks, (8, 8), rate=Fraction(24), before=1, after=2)
    read = torch.stack(list(read_masks(target)))
    assert read.flatten(1).mean(1).tolist() == [0, 1, 1, 0, 0]
