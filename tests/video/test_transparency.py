"""Opacity of WebM files, which lies in a stream of its own."""

import logging

import av
import numpy as np
import pytest
import torch

from lgtsm.video import media
from lgtsm.video.frame import read_alpha
from lgtsm.video.layout import samples
from lgtsm.video.probe import probe
from lgtsm.video.read import read_frames

HOLE = (slice(5, 14), slice(7, 20))


@pytest.fixture(params=["libvpx-vp9", "libvpx"])
def film(tmp_path, request):
    """Return a WebM of 6 frames, each with an opacity of its own, tagged as BT.709."""
    path = tmp_path / "in.webm"
    with av.open(str(path), "w") as out:
        options = {"auto-alt-ref": "0", "cpu-used": "8", "crf": "4", "b": "2M"}
        stream = out.add_stream(request.param, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuva420p"
        stream.codec_context.color_primaries = stream.codec_context.color_trc = 1
        for i in range(6):
            frame = av.VideoFrame(64, 48, "yuva420p")
            for plane, value in zip(frame.planes, (60 + 9 * i, 110, 140, _alpha(i)), strict=True):
                np.frombuffer(plane, np.uint8)[:] = value
            frame.pts = i
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def _alpha(number):
    return 40 + 20 * number


def _tag(path):
    with av.open(str(path)) as container:
        return container.streams.video[0].metadata.get("alpha_mode")


def test_opacity_of_a_webm_is_read(film):
    assert probe(film).has_alpha
    frames = list(read_frames(film))
    assert [f.index for f in frames] == list(range(6))
    for frame in frames:
        assert (read_alpha(frame.native) * 255 - _alpha(frame.index)).abs().max() < 4
    assert (int(frames[0].native.color_primaries), int(frames[0].native.color_trc)) == (1, 1)
    part = list(read_frames(film, start=4))
    for cut, whole in zip(part, frames[4:], strict=True):
        assert torch.equal(read_alpha(cut.native), read_alpha(whole.native))


@pytest.mark.parametrize("lossless", [False, True])
def test_opacity_of_a_webm_is_written(tmp_path, film, refill, lossless):
    target = tmp_path / ("out.mkv" if lossless else "out.webm")
    assert refill(film, target, hole=HOLE, lossless=lossless) == 6
    assert (_tag(target) == "1") is not lossless
    for old, new in zip(read_frames(film), read_frames(target), strict=True):
        planes = [samples(f.native, f.layout, f.layout.alpha).astype(int) for f in (old, new)]
        assert np.abs(planes[0] - planes[1]).max() <= (0 if lossless else 6)


def test_no_file_is_tagged_transparent_that_is_not(tmp_path, film, refill, caplog):
    refill(film, tmp_path / "out.mp4", hole=HOLE)
    assert "yuva420p is written as yuv420p" in caplog.text
    assert _tag(tmp_path / "out.mp4") is None
    assert len(list(read_frames(tmp_path / "out.mp4"))) == 6


def test_opacity_that_cannot_be_read_is_told(tmp_path, film, refill, caplog, monkeypatch):
    monkeypatch.setattr(media, "_WITH_ALPHA", {"vp8": "no such", "vp9": "no such"})
    with caplog.at_level(logging.WARNING):
        refill(film, tmp_path / "out.webm", hole=HOLE)
    assert sum("read as opaque" in r.message for r in caplog.records) == 1
    assert _tag(tmp_path / "out.webm") is None
