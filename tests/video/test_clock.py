"""Recordings whose clock begins late or jumps become films from zero on, sound in step."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import pytest

from lgtsm.video.clock import Clock, Stretch
from lgtsm.video.probe import frame_span, probe
from lgtsm.video.read import read_frames

RATE, SOUND = 25, 48000


def _record(seconds, num, *, first=0, muxer="mpegts", sound=True):
    """Return a recording whose clock shows `seconds` at its first frame; sound begins 0.2 s later.

    Frame `first` + i is of the grey 20 + 3 (`first` + i).
    """
    file = io.BytesIO()
    with av.open(file, "w", format=muxer, options={"mpegts_copyts": "1"}) as out:
        stream = out.add_stream("libx264", rate=RATE, options={"g": "5", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        if sound:
            speech = out.add_stream("mp2", rate=SOUND, layout="mono")
        for i in range(num):
            frame = av.VideoFrame(48, 32, "yuv420p")
            for plane in frame.planes:
                np.frombuffer(plane, np.uint8)[:] = 128
            np.frombuffer(frame.planes[0], np.uint8)[:] = 20 + 3 * (first + i)
            frame.pts, frame.time_base = seconds * RATE + i, Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        for i in range(num * SOUND // RATE // 1152 - 8 if sound else 0):
            block = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.int16), "s16", "mono")
            block.sample_rate, block.time_base = SOUND, Fraction(1, SOUND)
            block.pts = seconds * SOUND + SOUND // 5 + i * 1152
            out.mux(speech.encode(block))
        if sound:
            out.mux(speech.encode(None))
    return file.getvalue()


def _times(path, kind):
    with av.open(str(path)) as container:
        packets = [p for p in container.demux() if p.size and p.stream.type == kind]
        return sorted(p.pts * p.time_base for p in packets)


def _greys(path):
    return [round((float(f.rgb().mean()) * 219 - 4) / 3) for f in read_frames(path)]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("second", [0, 11, 612, 600_000 // 90], ids=str)
def test_joined_recordings_become_one_film(tmp_path, refill, caplog, suffix, second):
    source, target = tmp_path / "in.ts", tmp_path / f"out{suffix}"
    first = 700 if second == 600_000 // 90 else 10
    source.write_bytes(_record(first, 25) + _record(second, 25, first=25))
    assert refill(source, target) == 50
    assert not [r for r in caplog.records if "damaged" in r.message]
    frames = _times(target, "video")
    assert frames == [Fraction(i, RATE) for i in range(50)]
    sound = _times(target, "audio")
    assert abs(sound[0] - Fraction(1, 5)) < 0.03
    # sound of the second recording begins 0.2 s after its first frame, too
    assert min(abs(t - Fraction(6, 5)) for t in sound) < 0.03
    assert not [t for t in sound if 1.01 < t < 1.17]


def test_a_range_across_the_jump_has_the_right_frames(tmp_path, refill):
    source = tmp_path / "in.ts"
    source.write_bytes(_record(10, 25) + _record(0, 25, first=25))
    whole = list(read_frames(source))
    for start in (3, 24, 25, 40):
        part = list(read_frames(source, start=start))
        assert [(f.index, f.time) for f in part] == [(f.index, f.time) for f in whole[start:]]
        assert all((a.rgb() == b.rgb()).all() for a, b in zip(part, whole[start:], strict=True))
    refill(source, tmp_path / "out.mp4", start=20, end=30)
    assert _greys(tmp_path / "out.mp4") == list(range(20, 30))
    assert _times(tmp_path / "out.mp4", "video") == [Fraction(i, RATE) for i in range(10)]
    assert min(abs(t - Fraction(2, 5)) for t in _times(tmp_path / "out.mp4", "audio")) < 0.03


@pytest.mark.parametrize("second", [0, 612], ids=str)
def test_joined_recordings_are_described_as_one_film(tmp_path, second):
    source = tmp_path / "in.ts"
    source.write_bytes(_record(10, 25) + _record(second, 25, first=25))
    assert (probe(source).duration, probe(source).num_frames) == (2, 50)
    assert frame_span(source, 0.8, 0.4) == (20, 30)


@pytest.mark.parametrize("muxer", ["mpegts", "matroska", "mp4"])
def test_a_trim_counts_from_the_beginning_of_a_late_recording(tmp_path, muxer):
    (tmp_path / "in").write_bytes(_record(20_000, 25, muxer=muxer))
    assert frame_span(tmp_path / "in", 0.4, 0.2) == (10, 15)


@pytest.mark.parametrize("muxer", ["mpegts", "matroska", "mp4"])
def test_a_late_start_becomes_zero(tmp_path, refill, muxer):
    source, target = tmp_path / "in", tmp_path / "out.mp4"
    source.write_bytes(_record(20_000, 25, muxer=muxer))
    refill(source, target)
    assert _times(target, "video") == [Fraction(i, RATE) for i in range(25)]
    assert abs(_times(target, "audio")[0] - Fraction(1, 5)) < 0.03


def test_late_picture_keeps_its_distance_to_the_sound(tmp_path, refill):
    """The sound begins 0.8 s after zero, the picture 0.6 s after zero: nothing moves."""
    source, target = tmp_path / "in.mkv", tmp_path / "out.mkv"
    source.write_bytes(_record(Fraction(3, 5), 25, muxer="matroska"))
    refill(source, target)
    assert _times(target, "video")[0] == Fraction(3, 5)
    assert abs(_times(target, "audio")[0] - Fraction(4, 5)) < 0.03


def test_a_long_pause_of_a_film_is_no_jump(tmp_path, make_video, refill):
    times = [0, 1, 2, 1000, 1001]
    source = make_video(tmp_path / "in.mkv", times=times, rate=Fraction(25))
    refill(source, tmp_path / "out.mkv")
    assert _times(tmp_path / "out.mkv", "video") == _times(source, "video")


def test_a_stream_follows_the_stretches_over_its_own_pauses():
    stretches = [Stretch(0, 0, 100, 0), Stretch(50, 0, 100, -100), Stretch(90, 700, 800, 500)]
    clock = Clock(stretches)
    assert [clock(t) for t in (1, 90, 5, 60, 59.9, 710)] == [1, 90, 105, 160, 159.9, 210]
    assert Clock(stretches, 60)(5) == 105
