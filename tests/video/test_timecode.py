"""Timecodes: kept with the whole file, moved on with a range."""

from fractions import Fraction

import av
import pytest

from lgtsm.video.packets import advance
from lgtsm.video.read import read_frames


@pytest.fixture
def film(tmp_path, make_video):
    """Return film(rate, timecode) -> .mov of 8 frames with a timecode track."""

    def make(rate, timecode):
        plain, path = make_video(tmp_path / "plain.mov", num=8, rate=rate), tmp_path / "in.mov"
        with av.open(str(plain)) as old, av.open(str(path), "w") as new:
            stream = new.add_stream_from_template(old.streams[0])
            stream.metadata["timecode"] = timecode
            for packet in old.demux(0):
                if packet.size:
                    packet.stream = stream
                    new.mux(packet)
        return path

    return make


def _timecodes(path):
    """Return the timecodes of the picture and of the timecode track."""
    with av.open(str(path)) as container:
        tags = [{k.lower(): v for k, v in s.metadata.items()} for s in container.streams]
        assert [s.type for s in container.streams][:1] == ["video"]
        return [t["timecode"] for t in tags if "timecode" in t]


@pytest.mark.parametrize(("suffix", "num"), [(".mov", 2), (".mp4", 2), (".mkv", 1)])
def test_a_timecode_track_is_kept(tmp_path, film, refill, caplog, suffix, num):
    source = film(Fraction(24), "01:00:00:00")
    assert _timecodes(source) == ["01:00:00:00"] * 2
    target = tmp_path / f"out{suffix}"
    assert refill(source, target) == 8
    assert _timecodes(target) == ["01:00:00:00"] * num
    assert len(list(read_frames(target))) == 8
    assert not caplog.records


@pytest.mark.parametrize(("suffix", "num"), [(".mov", 2), (".mp4", 2), (".mkv", 1)])
@pytest.mark.parametrize(
    ("rate", "first", "later"),
    [
        (Fraction(24), "01:00:00:22", "01:00:01:02"),
        (Fraction(30000, 1001), "00:00:59;27", "00:01:00;03"),
    ],
)
def test_a_range_begins_at_its_own_timecode(
    tmp_path, film, refill, suffix, num, rate, first, later
):
    target = tmp_path / f"out{suffix}"
    refill(film(rate, first), target, start=4, end=7)
    assert _timecodes(target) == [later] * num


def test_a_timecode_that_cannot_be_counted_on_is_left_out(tmp_path, film, refill, caplog):
    source = film(Fraction(24), "01:00:00:00")
    tagged = tmp_path / "tagged.mkv"
    with av.open(str(source)) as old, av.open(str(tagged), "w") as new:
        stream = new.add_stream_from_template(old.streams[0])
        stream.metadata["timecode"] = "01:00:00;00"  # there is no drop-frame at 24
        for packet in old.demux(0):
            if packet.size:
                packet.stream = stream
                new.mux(packet)
    refill(tagged, tmp_path / "out.mkv", start=4)
    assert _timecodes(tmp_path / "out.mkv") == []
    assert "01:00:00;00 is left out" in caplog.text


@pytest.mark.parametrize(
    ("timecode", "frames", "rate", "expected"),
    [
        ("01:00:00:00", 0, Fraction(25), "01:00:00:00"),
        ("00:00:59:23", 1, Fraction(24000, 1001), "00:01:00:00"),
        ("23:59:59:29", 1, Fraction(30), "00:00:00:00"),
        ("00:00:59;29", 1, Fraction(30000, 1001), "00:01:00;02"),
        ("00:09:59;29", 1, Fraction(30000, 1001), "00:10:00;00"),
        ("00:00:59;59", 1, Fraction(60000, 1001), "00:01:00;04"),
        ("00:00:00;00", 17982, Fraction(30000, 1001), "00:10:00;00"),
        ("00:00:00.00", 107892, Fraction(30000, 1001), "01:00:00.00"),
        ("23:59:59;29", 1, Fraction(30000, 1001), "00:00:00;00"),
        ("01:00:00;00", 1, Fraction(25), None),
        ("reel 7", 1, Fraction(25), None),
    ],
)
def test_timecodes_count_as_on_the_clock(timecode, frames, rate, expected):
    assert advance(timecode, frames, rate) == expected


def test_drop_frame_meets_every_number_of_an_hour_once():
    second, rate = 30, Fraction(30000, 1001)
    clock = (
        f"00:{m:02}:{s:02};{f:02}"
        for m in range(60)
        for s in range(60)
        for f in range(second)
        if s or f > 1 or m % 10 == 0
    )
    assert all(advance("00:00:00;00", i, rate) == text for i, text in enumerate(clock))
