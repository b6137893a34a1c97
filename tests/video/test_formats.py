"""Films whose frames differ in pixel format: all are kept in full, whichever comes first."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from lgtsm.errors import VideoError
from lgtsm.video.formats import first_frames, holds, widest
from lgtsm.video.frame import read_alpha
from lgtsm.video.layout import known_layout
from lgtsm.video.probe import probe
from lgtsm.video.read import read_frames
from lgtsm.video.write import open_writer

RNG = np.random.default_rng(0)
PICTURES = {
    "grey": RNG.integers(0, 256, (16, 24), dtype=np.uint8),
    "rgb": RNG.integers(0, 256, (16, 24, 3), dtype=np.uint8),
    "rgba": RNG.integers(0, 256, (16, 24, 4), dtype=np.uint8),
    "grey16": RNG.integers(0, 65536, (16, 24), dtype=np.uint16),
}


@pytest.fixture
def folder(tmp_path):
    """folder(kinds, smooth=False) -> a folder with one PNG of each kind, noise or a ramp."""

    def make(kinds, smooth=False):
        (tmp_path / "in").mkdir()
        for number, kind in enumerate(kinds):
            picture = np.sort(PICTURES[kind], axis=None).reshape(PICTURES[kind].shape)
            picture = picture if smooth else PICTURES[kind]
            Image.fromarray(picture).save(tmp_path / "in" / f"{number}.png")
        return tmp_path / "in"

    return make


@pytest.mark.parametrize(
    "kinds",
    [("grey", "rgb"), ("rgb", "rgba"), ("rgb", "grey16"), ("grey", "grey16"), ("grey16", "rgba")],
)
def test_lossless_film_of_mixed_images_holds_all_of_them(tmp_path, folder, refill, caplog, kinds):
    source, target = folder(kinds), tmp_path / "out.mkv"
    refill(source, target, lossless=True)
    for old, new in zip(read_frames(source), read_frames(target), strict=True):
        assert np.abs(old.rgb() - new.rgb()).max() < 1e-6
        alpha = read_alpha(old.native)
        if alpha is not None:
            assert np.array_equal(alpha, read_alpha(new.native))
    assert sum("several pixel formats" in r.message for r in caplog.records) == 1


@pytest.mark.parametrize("kinds", [("grey", "rgb"), ("rgb", "grey"), ("grey", "grey"), ("grey16",)])
def test_levels_of_grey_images_are_right_in_mp4(tmp_path, folder, refill, kinds):
    source, target = folder(kinds, smooth=True), tmp_path / "out.mp4"
    refill(source, target)
    for old, new in zip(read_frames(source), read_frames(target), strict=True):
        assert np.abs(old.rgb() - new.rgb()).mean() < 0.01
    info = probe(target)
    assert (info.pixel_format, info.colour.matrix, info.colour.range) == ("yuv420p", 1, 1)


@pytest.mark.parametrize("target", ["out.mp4", "out.mkv"])
def test_grey_film_has_no_matrix_of_rgb(tmp_path, make_video, refill, target):
    tags = {"colorspace": 0, "color_range": 2}
    source = make_video(tmp_path / "in.mkv", codec="ffv1", fmt="gray", num=2, tags=tags)
    refill(source, tmp_path / target, lossless=target == "out.mkv")
    assert probe(tmp_path / target).colour.matrix in (1, 2)
    old, new = (next(read_frames(p)).rgb() for p in (source, tmp_path / target))
    assert np.abs(old - new).mean() < 0.01


def _recording(path, parts, matrices=(2, 2)):
    """Join recordings of several pixel formats, sizes and matrices, as `cat a.ts b.ts` does."""
    data = b""
    for number, (fmt, width) in enumerate(parts):
        file = io.BytesIO()
        with av.open(file, "w", format="mpegts", options={"mpegts_copyts": "1"}) as out:
            stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "bf": "0"})
            stream.width, stream.height, stream.pix_fmt = width, 32, fmt
            stream.codec_context.colorspace = matrices[number]
            for index in range(4):
                frame = av.VideoFrame(width, 32, fmt)
                for plane, level in zip(frame.planes, (80, 90, 180), strict=True):
                    np.frombuffer(plane, np.uint8)[:] = level if fmt == "yuv420p" else 1
                frame.pts, frame.time_base = number * 4 + index, Fraction(1, 25)
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        data += file.getvalue()
    path.write_bytes(data)
    return path


def test_recording_that_turns_to_ten_bits_is_written_with_ten(tmp_path, refill, caplog):
    source = _recording(tmp_path / "in.ts", [("yuv420p", 48), ("yuv420p10le", 48)])
    assert first_frames(source) == {"yuv420p": 0, "yuv420p10le": 4}
    assert refill(source, tmp_path / "out.mp4") == 8
    assert probe(tmp_path / "out.mp4").pixel_format == "yuv420p10le"
    assert "yuv420p10le from frame 4" in caplog.text


def test_recording_that_changes_its_size_is_refused_before_work(tmp_path, one_sentence):
    source = _recording(tmp_path / "in.ts", [("yuv420p", 48), ("yuv420p", 64)])
    with pytest.raises(VideoError, match="to be 48x32, got 64x32 at frame 4") as caught:
        open_writer(tmp_path / "out.mp4", source)
    one_sentence(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["in.ts"]


def test_a_frame_that_no_header_told_of_is_refused_by_number(
    tmp_path, folder, refill, monkeypatch, one_sentence
):
    monkeypatch.setattr("lgtsm.video.write.first_frames", lambda *_: {})
    with pytest.raises(VideoError, match="format rgb24, got rgba at frame 2;") as caught:
        refill(folder(["rgb", "rgb", "rgba"]), tmp_path / "out.mkv", lossless=True)
    one_sentence(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_recording_that_changes_its_matrix(tmp_path, refill, one_sentence):
    source = _recording(tmp_path / "in.ts", [("yuv420p", 48)] * 2, matrices=(6, 1))
    refill(source, tmp_path / "out.mp4")
    old, new = (list(read_frames(p)) for p in (source, tmp_path / "out.mp4"))
    assert np.abs(old[0].rgb() - old[7].rgb()).max() > 0.035
    assert all(np.abs(a.rgb() - b.rgb()).max() < 0.02 for a, b in zip(old, new, strict=True))
    with pytest.raises(VideoError, match="others from frame 4 on") as caught:
        refill(source, tmp_path / "out.mkv", lossless=True)
    one_sentence(caught.value)


def test_yuv_and_rgb_images_are_refused_for_lossless_before_work(tmp_path, refill, one_sentence):
    (tmp_path / "in").mkdir()
    for number, lossless in enumerate((False, True)):
        image = Image.fromarray(PICTURES["rgb"])
        image.save(tmp_path / "in" / f"{number}.webp", lossless=lossless)
    with pytest.raises(VideoError, match="at frame 1, ") as caught:
        refill(tmp_path / "in", tmp_path / "out.mkv", lossless=True)
    one_sentence(caught.value)
    refill(tmp_path / "in", tmp_path / "out.mp4")
    assert probe(tmp_path / "out.mp4").num_frames == 2


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["gray", "rgb24"], "gbrp"),
        (["gray16be", "rgba"], "gbrap16le"),
        (["gray", "ya8"], "ya8"),
        (["gray", "gray16be"], "gray16le"),
        (["yuv420p", "yuv422p10le"], "yuv422p10le"),
        (["yuv420p", "yuva444p"], "yuva444p"),
        (["gray", "yuvj420p"], "yuv420p"),
        (["grayf32le", "rgb24"], "gbrpf32le"),
        (["yuv420p", "rgb24"], "gbrp"),
    ],
)
def test_widest(names, wanted):
    layouts = [known_layout(name) for name in names]
    assert widest(layouts).name == wanted
    assert all(holds(known_layout(wanted), layout) for layout in layouts)
    assert not all(holds(layout, known_layout(wanted)) for layout in layouts)
