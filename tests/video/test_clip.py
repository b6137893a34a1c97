from fractions import Fraction

import pytest
import torch

from lgtsm.errors import ShapeError
from lgtsm.video.clip import PictureWriter, write_clip
from lgtsm.video.probe import probe
from lgtsm.video.read import read_frames


def test_clip_is_written_with_its_rate(tmp_path):
    clip = torch.rand(5, 3, 4, 6).repeat_interleave(8, 2).repeat_interleave(8, 3)
    write_clip(tmp_path / "c.mp4", clip, rate=Fraction(24000, 1001), crf=4)
    info = probe(tmp_path / "c.mp4")
    assert (info.rate, info.num_frames, info.codec) == (Fraction(24000, 1001), 5, "h264")
    for i, frame in enumerate(read_frames(tmp_path / "c.mp4")):
        assert (frame.rgb() - clip[i]).abs().mean() < 0.02
        assert frame.time == i / info.rate


def test_odd_clip_keeps_its_size(tmp_path):
    write_clip(tmp_path / "c.mp4", torch.rand(2, 3, 15, 21), rate=Fraction(25))
    assert (probe(tmp_path / "c.mp4").height, probe(tmp_path / "c.mp4").width) == (15, 21)


def test_what_is_no_clip_is_refused(tmp_path):
    with pytest.raises(ShapeError):
        write_clip(tmp_path / "c.mp4", torch.rand(2, 4, 8, 8), rate=Fraction(25))
    assert list(tmp_path.iterdir()) == []


def test_a_film_to_look_at_is_no_wider_than_players_take_and_pictures_are_exact(tmp_path):
    wide = torch.linspace(0, 1, 7680).expand(3, 6, -1)
    for name in ("look.mp4", "look"):
        with PictureWriter(tmp_path / name) as writer:
            writer.write(wide, time=Fraction(0))
    (film,), (picture,) = (list(read_frames(tmp_path / name)) for name in ("look.mp4", "look"))
    assert film.rgb().shape == (3, 3, 3840)
    assert picture.rgb().shape == wide.shape
    assert (film.rgb()[:, :, ::100] - wide[:, :3, ::200]).abs().max() < 0.03
