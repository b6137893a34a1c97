"""Captions, marks and tags: kept where the new file can hold them, else told once."""

from __future__ import annotations

import re
import struct
from fractions import Fraction

import av
import numpy as np
import pytest

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
    assert sorted(told) == ["The 360 degree marking", "The stereo 3D marking"]


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
