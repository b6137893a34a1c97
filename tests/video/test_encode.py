"""Codecs and pixel formats that are chosen can be written."""

from fractions import Fraction

import av
import pytest

from lgtsm.video.encode import (
    Encoder,
    SourceStream,
    choose_encoding,
    container_preset,
)
from lgtsm.video.layout import known_layout
from lgtsm.video.read import read_frames


@pytest.mark.parametrize("name", ["yuva420p", "yuva422p", "yuva444p"])
def test_a_webm_holds_alpha_however_fine_the_colours_were(name, tmp_path):
    layout = known_layout(name)
    source = SourceStream(rate=Fraction(25), time_base=Fraction(1, 25))
    container = container_preset(tmp_path / "a.webm")
    encoding = choose_encoding(container, source, layout, (48, 64), quality=16, lossless=False)
    assert encoding.layout.alpha is not None
    frame = av.VideoFrame(64, 48, encoding.layout.name)
    encoder = Encoder(tmp_path / "a.webm", container, encoding, source, frame)
    encoder.add(frame, Fraction(0), Fraction(1, 25))
    encoder.finish()
    assert len(list(read_frames(tmp_path / "a.webm"))) == 1


@pytest.mark.parametrize("size", [(23, 8), (9, 5), (40, 3), (2, 2)])
def test_small_pictures_are_written_without_loss(tmp_path, make_video, refill, size):
    options = {"level": "1"}
    source = make_video(tmp_path / "in.mkv", codec="ffv1", size=size, num=2, options=options)
    refill(source, tmp_path / "out.mkv", lossless=True)
    for old, new in zip(read_frames(source), read_frames(tmp_path / "out.mkv"), strict=True):
        assert (old.rgb() == new.rgb()).all()
