import logging
from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from lgtsm.errors import VideoError
from lgtsm.video.layout import layout_of, samples
from lgtsm.video.probe import probe
from lgtsm.video.read import read_frames, read_masks


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libvpx-vp9", "mpeg4"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_range_equals_the_same_frames_of_the_whole(tmp_path, make_video, codec, suffix):
    options = {"g": "8", "preset": "ultrafast"} if codec.startswith("libx26") else {"g": "8"}
    if codec == "libx265":
        options["x265-params"] = "log-level=none:open-gop=1:bframes=3"
    if codec == "libx264":
        options["x264-params"] = "open-gop=1:bframes=3"
    source = make_video(tmp_path / f"a{suffix}", num=30, codec=codec, options=options)
    whole = list(read_frames(source))
    assert [f.index for f in whole] == list(range(30))
    for start, end in ((0, 5), (3, 9), (8, 9), (15, 30), (17, 26), (29, None)):
        part = list(read_frames(source, start=start, end=end))
        assert [f.index for f in part] == list(range(start, end or 30))
        for frame in part:
            assert frame.time == whole[frame.index].time
            assert torch.equal(frame.rgb(), whole[frame.index].rgb())


@pytest.mark.parametrize(("suffix", "keep"), [(".mkv", 0.6), (".mp4", 0.6), (".ts", 0.5)])
def test_truncated_file_gives_what_decodes_and_one_warning(
    tmp_path, make_video, caplog, suffix, keep
):
    options = {"g": "5"}
    source = make_video(tmp_path / f"whole{suffix}", num=40, noise=True, options=options)
    if suffix == ".mp4":
        front = tmp_path / "front.mp4"
        with (
            av.open(str(source)) as old,
            av.open(str(front), "w", container_options={"movflags": "+faststart"}) as new,
        ):
            stream = new.add_stream_from_template(old.streams[0], opaque=True)
            for packet in old.demux(0):
                if packet.size:
                    packet.stream = stream
                    new.mux(packet)
        source = front
    data = source.read_bytes()
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(data[: int(len(data) * keep)])
    with caplog.at_level(logging.WARNING, logger="lgtsm"):
        frames = list(read_frames(cut))
    assert 10 < len(frames) < 40
    if suffix != ".ts":
        assert sum("damaged or cut off" in r.message for r in caplog.records) == 1


def test_damage_in_the_middle_does_not_stop_the_reader(tmp_path, make_video, caplog):
    source = make_video(tmp_path / "a.mkv", num=30, codec="ffv1", noise=True)
    data = bytearray(source.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    source.write_bytes(data)
    assert len(list(read_frames(source))) > 20


def test_unreadable_files_are_one_sentence(tmp_path, make_video):
    empty = tmp_path / "empty.mp4"
    empty.touch()
    text = tmp_path / "text.mp4"
    text.write_text("no film" * 100)
    sound = tmp_path / "sound.mp4"
    with av.open(str(sound), "w") as out:
        stream = out.add_stream("aac", rate=48000)
        stream.layout = "mono"
        for i in range(4):
            silence = np.zeros((1, 1024), np.float32)
            block = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            block.sample_rate, block.pts = 48000, i * 1024
            out.mux(stream.encode(block))
        out.mux(stream.encode(None))
    for path in (tmp_path / "none.mp4", empty, text, sound):
        for read in (lambda p: list(read_frames(p)), probe):
            with pytest.raises(VideoError, match=r"^Expected .*; .*\.$"):
                read(path)


def test_range_behind_the_end_is_an_error(tmp_path, make_video):
    source = make_video(tmp_path / "a.mp4", num=5)
    with pytest.raises(VideoError, match="from number 9"):
        list(read_frames(source, start=9))
    with pytest.raises(VideoError, match="start < end"):
        read_frames(source, start=4, end=4)


def test_probe_tells_size_rate_and_kind(tmp_path, make_video):
    source = make_video(tmp_path / "a.mp4", audio=True, num=30, size=(36, 64))
    info = probe(source)
    assert (info.height, info.width, info.num_frames) == (36, 64, 30)
    assert info.num_frames_exact
    assert info.rate == Fraction(30000, 1001)
    assert (info.codec, info.pixel_format, info.bit_depth) == ("h264", "yuv420p", 8)
    assert info.has_audio
    assert not info.has_alpha
    assert not info.is_folder
    estimate = probe(make_video(tmp_path / "a.mkv", num=30))
    assert not estimate.num_frames_exact
    assert estimate.num_frames == 30


def test_frames_decode_close_to_a_reference_conversion(tmp_path, make_video):
    source = make_video(tmp_path / "a.mp4", num=1, tags={"colorspace": 1, "color_range": 1})
    frame = next(read_frames(source))
    reference = frame.native.reformat(format="gbrpf32le", src_colorspace="itu709").to_ndarray()
    reference = torch.from_numpy(reference.copy()).permute(2, 0, 1)
    assert (frame.rgb() - reference).abs().mean() < 0.02


@pytest.mark.parametrize(
    ("codec", "fmt", "black", "white"),
    [("ffv1", "gray", 0, 255), ("ffv1", "yuv420p", 16, 235), ("ffv1", "bgr0", 0, 255)],
)
def test_black_and_white_of_a_mask_video_are_0_and_1(tmp_path, codec, fmt, black, white):
    path = tmp_path / "mask.mkv"
    layout = layout_of(fmt)
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 16, 8, fmt
        for i in range(3):
            frame = av.VideoFrame(16, 8, fmt)
            for plane in frame.planes:
                np.frombuffer(plane, np.uint8)[:] = 128 if layout.family.value == "yuv" else 0
            for channel in layout.colours[:1] if fmt != "bgr0" else layout.colours:
                view = samples(frame, layout, channel)
                view[:] = black
                view[:4, : 4 * (i + 1)] = white
            frame.pts = i
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    masks = list(read_masks(path))
    assert len(masks) == 3
    for i, mask in enumerate(masks):
        wanted = torch.zeros(1, 8, 16)
        wanted[:, :4, : 4 * (i + 1)] = 1
        assert torch.equal(mask, wanted)
    assert len(list(read_masks(path, start=1, end=2))) == 1


def test_foreign_pixel_format_is_read_with_one_warning(tmp_path, make_video, caplog):
    path = tmp_path / "a.nut"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("rawvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = 16, 8, "rgb565le"
        for i in range(3):
            frame = av.VideoFrame(16, 8, "rgb565le")
            np.frombuffer(frame.planes[0], np.uint8)[:] = 255
            frame.pts = i
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    frames = list(read_frames(path))
    assert len(frames) == 3
    assert frames[1].rgb().min() > 0.98
    assert len(caplog.records) == 1


def test_raw_dv_has_its_rate(tmp_path, refill):
    with av.open(str(tmp_path / "in.dv"), "w", format="dv") as out:
        stream = out.add_stream("dvvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = 720, 576, "yuv420p"
        for i in range(4):
            frame = av.VideoFrame(720, 576, "yuv420p")
            for plane in frame.planes:
                np.frombuffer(plane, np.uint8)[:] = 128
            frame.pts, frame.time_base = i, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    info = probe(tmp_path / "in.dv")
    assert (info.rate, info.num_frames) == (25, 4)
    refill(tmp_path / "in.dv", tmp_path / "out.mp4")
    assert probe(tmp_path / "out.mp4").rate == 25
    assert [f.time * 25 for f in read_frames(tmp_path / "out.mp4")] == [0, 1, 2, 3]
