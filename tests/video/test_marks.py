"""Captions, marks and tags: kept where the new file can hold them, else told once."""

from __future__ import annotations

import io
import re
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from lgtsm.video.native import side_data
from lgtsm.video.read import read_frames

HOLE = (slice(5, 14), slice(7, 20))
CAPTIONS = [bytes((0xFC, 0x94, 0x20 + number)) for number in range(8)]


def _with_caption(data, caption):
    """Insert a caption (A/53, part 4) before the first slice of an H.264 picture."""
    text = b"\xb5\x00\x31GA94\x03\x41\xff" + caption + b"\xff"
    message = b"\x00\x00\x00\x01\x06\x04" + bytes([len(text)]) + text + b"\x80"
    slices = [m.start() for m in re.finditer(b"\x00\x00\x01", data) if data[m.end()] & 31 in (1, 5)]
    return data[: slices[0]] + message + data[slices[0] :]


@pytest.fixture
def captioned(tmp_path):
    """Return a film of 8 frames with a caption each, in another order than that of the packets."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 48, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.options = {"bf": "2", "b_strategy": "0"}
    packets = []
    for number in range(8):
        frame = av.VideoFrame(64, 48, "yuv420p")
        for plane in frame.planes:
            np.frombuffer(plane, np.uint8)[:] = 100 + number
        frame.pts, frame.time_base = number, Fraction(1, 25)
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    assert [p.pts for p in packets] != sorted(p.pts for p in packets)
    with av.open(str(tmp_path / "in.ts"), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        out.start_encoding()
        for packet in packets:
            new = av.Packet(_with_caption(bytes(packet), CAPTIONS[packet.pts]))
            new.pts, new.dts, new.time_base = packet.pts, packet.dts, packet.time_base
            new.stream, new.is_keyframe = stream, packet.is_keyframe
            out.mux(new)
    return tmp_path / "in.ts"


def _captions(path):
    found = [side_data(frame.native).get("A53_CC") for frame in read_frames(path)]
    return [None if item is None else bytes(item) for item in found]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_captions_are_kept(captioned, tmp_path, refill, caplog, suffix):
    assert _captions(captioned) == CAPTIONS
    before = [frame.rgb() for frame in read_frames(captioned)]
    refill(captioned, tmp_path / f"out{suffix}", hole=HOLE, quality=0)
    assert _captions(tmp_path / f"out{suffix}") == CAPTIONS
    for old, new in zip(before, read_frames(tmp_path / f"out{suffix}"), strict=True):
        difference = (old - new.rgb()).abs()
        assert difference[(slice(None), *HOLE)].mean() > 0.1
        assert difference[:, 24:].mean() < 0.01
    assert not caplog.records


@pytest.mark.parametrize(("target", "options"), [("o.webm", {}), ("o.mkv", {"lossless": True})])
def test_captions_that_cannot_be_kept_are_told_once(
    captioned, tmp_path, refill, caplog, target, options
):
    refill(captioned, tmp_path / target, **options)
    assert sum("closed captions" in r.message for r in caplog.records) == 1


def _box(kind, content):
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _mark_as_sphere(path):
    """Add the boxes of a stereo 360 degree film to the description of an MP4's video."""
    projection = _box(b"prhd", bytes(16)) + _box(b"equi", bytes(20))
    sphere = _box(b"sv3d", _box(b"svhd", bytes(4) + b"a\0") + _box(b"proj", projection))
    added = _box(b"st3d", bytes(4) + b"\1") + sphere
    data = bytearray(path.read_bytes())
    entry = data.index(b"avc1", data.index(b"stsd")) - 4
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"):
        place = data.index(kind, data.index(b"moov")) - 4
        (size,) = struct.unpack_from(">I", data, place)
        struct.pack_into(">I", data, place, size + len(added))
        if kind == b"avc1":
            data[entry + size : entry + size] = added
    path.write_bytes(data)
    return path


def test_lost_marks_of_360_degrees_are_told_once(tmp_path, make_video, refill, caplog):
    source = _mark_as_sphere(make_video(tmp_path / "in.mp4", num=4))
    marks = {item.type.name for item in side_data(next(read_frames(source)).native)}
    assert {"SPHERICAL", "STEREO3D"} <= marks
    refill(source, tmp_path / "out.mp4")
    told = [r.message.partition(" of ")[0] for r in caplog.records]
    start = "The new file cannot hold the "
    assert sorted(told) == [f"{start}360 degree marking", f"{start}stereo 3D marking"]


APPLE = {
    "com.apple.quicktime.make": "Apple",
    "com.apple.quicktime.location.ISO6709": "+52.5200+013.4050+034.000/",
    "com.apple.quicktime.creationdate": "2026-05-01T12:00:00+0200",
}


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv"])
def test_tags_of_telephones_are_kept(tmp_path, make_video, suffix, refill):
    source = make_video(tmp_path / "plain.mov", num=2)
    with (
        av.open(str(source)) as old,
        av.open(
            str(tmp_path / "in.mov"), "w", container_options={"movflags": "use_metadata_tags"}
        ) as new,
    ):
        new.metadata.update(APPLE | {"title": "A walk"})
        stream = new.add_stream_from_template(old.streams[0])
        for packet in old.demux(0):
            if packet.size:
                packet.stream = stream
                new.mux(packet)
    refill(tmp_path / "in.mov", tmp_path / f"out{suffix}")
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        tags = {key.lower(): value for key, value in container.metadata.items()}
    for key, value in (APPLE | {"title": "A walk"}).items():
        assert tags[key.lower()] == value


@pytest.fixture
def dubbed(tmp_path, make_video):
    """Return a film with two sound streams, the second by default, and a cover picture."""
    plain, film = make_video(tmp_path / "plain.mkv", num=5, audio=True), tmp_path / "in.mkv"
    cover = io.BytesIO()
    Image.new("RGB", (32, 32), (200, 0, 0)).save(cover, "png")
    with av.open(str(plain)) as old, av.open(str(film), "w") as new:
        video, sound = (new.add_stream_from_template(s) for s in old.streams)
        dub = new.add_stream_from_template(old.streams[1])
        video.disposition, sound.disposition = Disposition.default, 0
        dub.disposition = Disposition.default | Disposition.dub
        new.add_attachment("cover.png", "image/png", cover.getvalue())
        for packet in old.demux():
            for stream in [video] if packet.stream_index == 0 else [sound, dub]:
                if packet.size:
                    copy = av.Packet(bytes(packet))
                    copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
                    copy.stream, copy.is_keyframe = stream, packet.is_keyframe
                    new.mux(copy)
    return film, cover.getvalue()


def test_default_streams_and_covers_are_kept(dubbed, tmp_path, refill, caplog):
    source, cover = dubbed
    for name, start in (("out.mkv", 0), ("out.mp4", 0), ("cut.mp4", 2), ("cut.mkv", 2)):
        refill(source, tmp_path / name, start=start)
        with av.open(str(tmp_path / name)) as container:
            *streams, picture = container.streams
            defaults = [bool(s.disposition & Disposition.default) for s in streams]
            assert defaults == [True, False, True]
            assert picture.disposition == Disposition.attached_pic
            assert bytes(next(container.demux(picture))) == cover
    assert not caplog.records
    for name in ("out.mov", "out.webm"):
        caplog.clear()
        refill(source, tmp_path / name)
        assert sum("cover picture" in r.message for r in caplog.records) == 1


def test_images_become_a_default_stream(tmp_path, refill):
    Image.new("RGB", (32, 16), (200, 30, 60)).save(tmp_path / "0.png")
    refill(tmp_path / "0.png", tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert container.streams[0].disposition & Disposition.default


def test_interlacing_that_begins_late_is_told_once(tmp_path, refill, caplog):
    with av.open(str(tmp_path / "in.mpg"), "w") as out:
        stream = out.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.flags |= 0x40000 | 0x20000000  # interlaced transform and motion
        for number in range(6):
            frame = av.VideoFrame(64, 48, "yuv420p")
            for plane in frame.planes:
                np.frombuffer(plane, np.uint8)[:] = 100 + number
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    frames = [frame.native.interlaced_frame for frame in read_frames(tmp_path / "in.mpg")]
    refill(tmp_path / "in.mpg", tmp_path / "out.mp4")
    assert sum("interlaced" in r.message for r in caplog.records) == any(frames)
    assert any(frames)
