"""Animated GIF as output: the right frames at the right times, near the right colours."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from lgtsm.errors import ShapeError, VideoError
from lgtsm.options import VideoOptions
from lgtsm.video.read import read_frames
from lgtsm.video.write import open_writer


def test_a_gif_shows_every_frame_for_its_time(tmp_path, make_video):
    source = make_video(tmp_path / "in.mp4", num=6, rate=Fraction(25))
    target = tmp_path / "out.gif"
    hole = torch.zeros(1, 48, 64)
    hole[:, 10:20, 10:30] = 1
    with open_writer(target, source) as writer:
        for frame in read_frames(source):
            writer.write(frame, torch.ones(3, 48, 64), hole)
        assert not target.exists()
    found, wanted = list(read_frames(target)), list(read_frames(source))
    assert [frame.time for frame in found] == [frame.time for frame in wanted]
    for old, new in zip(wanted, found, strict=True):
        filled = torch.where(hole > 0, 1.0, old.rgb())
        assert (new.rgb() - filled).abs().mean() < 0.03
        assert (new.rgb()[:, 12:18, 12:28] > 0.97).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.gif"]


def test_an_error_leaves_no_gif(tmp_path, make_video, one_sentence):
    source = make_video(tmp_path / "in.mp4", num=2)
    frame = next(read_frames(source))
    with pytest.raises(ShapeError), open_writer(tmp_path / "out.gif", source) as writer:
        writer.write(frame, torch.full((3, 48, 64), torch.nan), torch.ones(1, 48, 64))
    with pytest.raises(VideoError) as error:
        open_writer(tmp_path / "out.gif", source, options=VideoOptions(lossless=True))
    one_sentence(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
