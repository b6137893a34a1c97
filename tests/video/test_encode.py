"""Codecs and pixel formats that are chosen can be written."""

from fractions import Fraction

import av
import pytest

from lgtsm.video.encode import (
    SourceStream,
    add_video,
    choose_encoding,
    container_preset,
    known,
)
from lgtsm.video.read import read_frames


@pytest.mark.parametrize("name", ["yuva420p", "yuva422p", "yuva444p"])
def test_a_webm_holds_alpha_however_fine_the_colours_were(name, tmp_path):
    layout = known(name)
    source = SourceStream(rate=Fraction(25), time_base=Fraction(1, 25))
    container = container_preset(tmp_path / "a.webm")
    encoding = choose_encoding(container, source, layout, (48, 64), quality=16, lossless=False)
    assert encoding.layout.alpha is not None
    with av.open(str(tmp_path / "a.webm"), "w") as out:
        frame = av.VideoFrame(64, 48, encoding.layout.name)
        stream = add_video(out, encoding, source, frame)
        frame.pts = 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert len(list(read_frames(tmp_path / "a.webm"))) == 1
