"""A film of two videos, before and after a repair."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from lgtsm.errors import Cancelled, OptionError, ShapeError, VideoError
from lgtsm.file_comparison import VideoRange, compare_files
from lgtsm.masks.overlay import compare
from lgtsm.options import CompareAs
from lgtsm.video.clip import write_clip, write_mask_clip
from lgtsm.video.read import read_frames, read_masks

RATE = Fraction(24)


def _film(path, level, num_frames=6, size=(48, 64)):
    write_clip(path, torch.full((num_frames, 3, *size), level), rate=RATE)
    return VideoRange(path)


def _mask(path, num_frames=6, size=(48, 64)):
    hole = torch.zeros(1, *size)
    hole[:, 10:20, 30:50] = 1
    write_mask_clip(path, [hole] * num_frames, size, rate=RATE)
    return VideoRange(path)


@pytest.fixture
def clips(tmp_path):
    return (
        _film(tmp_path / "before.mp4", 0.2),
        _film(tmp_path / "after.mp4", 0.8),
        _mask(tmp_path / "mask.mkv"),
    )


@pytest.mark.parametrize("how", list(CompareAs))
def test_every_frame_is_shown_as_compare_shows_it(clips, tmp_path, how):
    before, after, mask = clips
    compare_files(before, after, tmp_path / "shown", mask=mask, compare_as=how)
    shown = [frame.rgb() for frame in read_frames(tmp_path / "shown")]
    sources, results = (
        torch.stack([frame.rgb() for frame in read_frames(clip.path)]) for clip in (before, after)
    )
    holes = torch.stack(list(read_masks(mask.path)))
    expected = compare(sources, results, how, holes=holes)
    assert len(shown) == 6
    assert (torch.stack(shown) - expected).abs().max() <= 1 / 255


def test_ranges_are_shown_from_time_0_and_number_0(clips, tmp_path):
    before, after, mask = clips
    calls = []
    compare_files(
        before._replace(start=2),
        after._replace(start=1, end=5),
        tmp_path / "shown.mp4",
        mask=mask._replace(end=4),
        compare_as=CompareAs.MASK,
        progress=lambda *call: calls.append(call),
    )
    shown = list(read_frames(tmp_path / "shown.mp4"))
    assert [frame.time for frame in shown] == [n / RATE for n in range(4)]
    assert [call[:2] for call in calls] == [(n, 4) for n in range(1, 5)]
    compare_files(
        before._replace(end=4),
        after._replace(end=4),
        tmp_path / "first.mp4",
        mask=mask._replace(end=4),
        compare_as=CompareAs.MASK,
    )
    first = [frame.rgb() for frame in read_frames(tmp_path / "first.mp4")]
    assert all(torch.equal(a.rgb(), b) for a, b in zip(shown, first, strict=True))


def test_videos_that_do_not_belong_together_are_refused(clips, tmp_path):
    before, after, _ = clips
    target = tmp_path / "shown.mp4"
    with pytest.raises(VideoError, match=r"one length to compare, got frames: before 6, after 4;"):
        compare_files(before, after._replace(end=4), target)
    small = _film(tmp_path / "small.mp4", 0.8, size=(24, 32))
    with pytest.raises(ShapeError, match=r"got before 64x48, after 32x24;"):
        compare_files(before, small, target)
    small_mask = _mask(tmp_path / "small.mkv", size=(96, 128))
    with pytest.raises(ShapeError, match="mask 128x96"):
        compare_files(before, after, target, mask=small_mask)
    with pytest.raises(OptionError, match="Expected a mask"):
        compare_files(before, after, target, compare_as=CompareAs.MASK)
    assert not target.exists()


def test_cancelling_leaves_no_film(clips, tmp_path):
    before, after, _ = clips
    with pytest.raises(Cancelled):
        compare_files(before, after, tmp_path / "shown.mp4", cancel=lambda: True)
    assert not (tmp_path / "shown.mp4").exists()
