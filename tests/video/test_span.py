"""From seconds to frames, and masks for a part of a file."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from lgtsm.errors import VideoError
from lgtsm.video.clip import write_clip, write_mask_clip
from lgtsm.video.probe import count_frames, frame_span, probe
from lgtsm.video.read import read_frames, read_masks


@pytest.fixture
def film(tmp_path):
    """Return a film of 12 frames, 25 a second, with frames that depend on later ones."""
    write_clip(tmp_path / "film.mp4", torch.rand(12, 3, 32, 48), rate=Fraction(25))
    return tmp_path / "film.mp4"


@pytest.mark.parametrize(
    ("start", "seconds", "expected"),
    [
        (0, 0, (0, 12)),
        (0.08, 0, (2, 12)),
        (0.121, 0.12, (3, 6)),
        (0, 0.04, (0, 1)),
        (0.4, 9, (10, 12)),
    ],
)
def test_a_stretch_of_time_is_a_range_of_frames(film, start, seconds, expected):
    assert frame_span(film, start, seconds) == expected


def test_a_stretch_without_frames_is_refused(film, one_sentence):
    with pytest.raises(VideoError) as caught:
        frame_span(film, 7.0, 1.0)
    one_sentence(caught.value)


def test_frames_are_counted_in_files_folders_and_pictures(film, tmp_path):
    write_clip(tmp_path / "pictures", torch.rand(3, 3, 8, 8), rate=Fraction(25))
    picture = next((tmp_path / "pictures").iterdir())
    assert [count_frames(p) for p in (film, tmp_path / "pictures", picture)] == [12, 3, 1]


def test_masks_of_a_part_have_empty_ones_around_them(tmp_path):
    target = tmp_path / "masks.mkv"
    masks = torch.ones(2, 1, 8, 8)
    write_mask_clip(target, masks, (8, 8), rate=Fraction(24), before=1, after=2)
    read = torch.stack(list(read_masks(target)))
    assert read.flatten(1).mean(1).tolist() == [0, 1, 1, 0, 0]


@pytest.fixture
def cut(tmp_path):
    """Return a film that was cut between key frames without encoding: 30 packets, 26 shown."""
    source, path = tmp_path / "source.mp4", tmp_path / "cut.mp4"
    with av.open(str(source), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"g": "10", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for t in range(40):
            grey = np.full((48, 64, 3), 6 * t, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        out.mux(stream.encode(None))
    with (
        av.open(str(source)) as given,
        av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as out,
    ):
        old = given.streams.video[0]
        new = out.add_stream_from_template(old)
        first, begin = (round(Fraction(t, 25) / old.time_base) for t in (10, 14))
        for packet in given.demux(old):
            if packet.size and packet.pts >= first:
                packet.pts, packet.dts = packet.pts - begin, packet.dts - begin
                packet.stream = new
                out.mux(packet)
    return path


def test_frames_before_an_edit_are_neither_counted_nor_numbered(cut):
    info, shown = probe(cut), list(read_frames(cut))
    assert len(shown) == 26
    assert info.num_frames == 26 or not info.num_frames_exact
    assert frame_span(cut, 0, 0.4) == (0, 10)
    first, stop = frame_span(cut, 0.2, 0.4)
    times = [float(frame.time) for frame in shown[first:stop]]
    assert times == pytest.approx([0.2 + 0.04 * i for i in range(10)])
