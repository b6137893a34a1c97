"""Numbers of frames in files whose header counts more than there are."""

import struct
from fractions import Fraction

import av
import pytest
import torch

from lgtsm.errors import ShapeError
from lgtsm.job import FileJob
from lgtsm.options import InpaintOptions, VideoOptions
from lgtsm.video.clip import write_mask_clip
from lgtsm.video.probe import count_frames, frame_span, probe
from lgtsm.video.read import read_frames


def _cut_at_the_end(path, make_video):
    """Make an MP4 of 8 samples whose edit list ends after 5."""
    make_video(path, num=8, rate=Fraction(24), options={"bf": "0"})
    data = bytearray(path.read_bytes())
    field = data.index(b"elst") + 12
    (length,) = struct.unpack(">I", data[field : field + 4])
    data[field : field + 4] = struct.pack(">I", length * 5 // 8)
    path.write_bytes(data)
    return 8, 5


def _with_gaps(path, make_video):
    """Make an AVI of 7 frames, two of 9 dropped."""
    make_video(path, times=[0, 1, 2, 5, 6, 7, 8], rate=Fraction(24), codec="mpeg4")
    return 9, 7


def _with_gaps_and_no_index(path, make_video):
    """Make the same, as a program leaves it that was stopped."""
    _with_gaps(path, make_video)
    path.write_bytes(path.read_bytes().replace(b"idx1", b"JUNK"))
    return 9, 7


CASES = [("a.mp4", _cut_at_the_end), ("a.avi", _with_gaps), ("a.avi", _with_gaps_and_no_index)]


@pytest.fixture(params=CASES, ids=["edit", "gaps", "no index"])
def film(tmp_path, make_video, request):
    """Return (path, number of frames in the header, number of frames there are)."""
    name, make = request.param
    path = tmp_path / name
    promised, real = make(path, make_video)
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == promised
    return path, promised, real


def _job(film, num, folder):
    masks = torch.zeros(num, 1, 48, 64)
    masks[:, :, :9, :9] = 1
    write_mask_clip(folder / "masks.mkv", masks, (48, 64), rate=Fraction(24))
    return FileJob(
        source=film,
        mask=folder / "masks.mkv",
        target=folder / "out.mkv",
        options=InpaintOptions(),
        video=VideoOptions(),
    )


def test_a_mask_for_every_frame_is_taken_whatever_the_header_says(film, tmp_path):
    path, _, real = film
    assert len(list(read_frames(path))) == count_frames(path) == real
    assert _job(path, real, tmp_path).check_mask(probe(path))[0] == real


@pytest.mark.parametrize("film", CASES[:2], ids=["edit", "gaps"], indirect=True)
def test_a_header_is_no_sign_of_damage(film, caplog):
    path, _, real = film
    assert len(list(read_frames(path))) == real
    assert not caplog.records
    assert probe(path).num_frames == real


def test_a_wrong_number_of_masks_is_refused_before_any_work(tmp_path, make_video, one_sentence):
    path = make_video(tmp_path / "a.mp4", num=8)
    with pytest.raises(ShapeError, match="8 like the frames, got 5") as caught:
        _job(path, 5, tmp_path).check_mask(probe(path))
    one_sentence(caught.value)


@pytest.fixture
def with_hidden_packets(tmp_path, make_video):
    """Return a WebM in VP8 of 24 packets, one in eight of which is never shown."""
    path = tmp_path / "hidden.webm"
    options = {"auto-alt-ref": "0", "lag-in-frames": "0", "g": "8", "cpu-used": "8"}
    shown = make_video(
        tmp_path / "shown.webm", num=24, codec="libvpx", rate=Fraction(25), options=options
    )
    with av.open(str(shown)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams[0])
        for number, given in enumerate(p for p in old.demux(0) if p.size):
            data = bytearray(bytes(given))
            if number % 8 == 3:
                data[0] &= ~0x10  # show_frame, as encoders clear it in their alt-ref frames
            packet = av.Packet(bytes(data))
            packet.pts, packet.dts, packet.time_base = given.pts, given.dts, given.time_base
            packet.is_keyframe, packet.stream = given.is_keyframe, stream
            new.mux(packet)
    return path


def test_packets_that_are_never_shown_have_no_number(with_hidden_packets):
    whole = list(read_frames(with_hidden_packets))
    assert len(whole) == count_frames(with_hidden_packets) == 21
    part = list(read_frames(with_hidden_packets, start=16))
    assert [(f.index, f.time) for f in part] == [(f.index, f.time) for f in whole[16:]]
    assert torch.equal(part[0].rgb(), whole[16].rgb())
    seconds = float(whole[9].time)
    assert frame_span(with_hidden_packets, seconds, 0) == (9, 21)
