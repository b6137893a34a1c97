"""HDR10 metadata: kept where the encoder takes it, else its loss is told."""

from fractions import Fraction

import pytest

from lgtsm.video.hdr import StaticHdr, hdr_of
from lgtsm.video.read import read_frames

# Display P3 within BT.2020, 0.0005 to 1000 cd/m2
HDR = StaticHdr(
    mastering=(34000, 16000, 13250, 34500, 7500, 3000, 15635, 16450, 5, 10000000),
    light=(1000, 400),
)
TAGS = {"colorspace": 9, "color_range": 1, "color_trc": 16, "color_primaries": 9}


@pytest.fixture
def film(tmp_path, make_video):
    """film(hdr) -> an MP4 of 6 frames in HEVC with that metadata."""

    def make(hdr):
        params = f"log-level=none:{hdr.x265_params()}"
        return make_video(
            tmp_path / "in.mp4",
            codec="libx265",
            fmt="yuv420p10le",
            num=6,
            rate=Fraction(24),
            tags=TAGS,
            options={"preset": "ultrafast", "x265-params": params},
        )

    return make


@pytest.mark.parametrize("hdr", [HDR, StaticHdr(light=(700, 0))])
@pytest.mark.parametrize(("suffix", "start"), [(".mp4", 0), (".mp4", 3), (".mkv", 0)])
def test_hdr_metadata_is_kept(tmp_path, film, refill, caplog, hdr, suffix, start):
    source, target = film(hdr), tmp_path / f"out{suffix}"
    assert hdr_of(next(read_frames(source)).native) == hdr
    refill(source, target, start=start)
    assert [hdr_of(frame.native) for frame in read_frames(target)] == [hdr] * (6 - start)
    assert not caplog.records


def test_hdr_metadata_that_cannot_be_kept_is_told_once(tmp_path, film, refill, caplog):
    refill(film(HDR), tmp_path / "out.mkv", lossless=True)
    assert [r.message.partition(" (")[0] for r in caplog.records] == ["The HDR10 metadata"]


def test_other_films_have_none(tmp_path, make_video, refill, caplog):
    source = make_video(tmp_path / "in.mp4", num=2)
    assert hdr_of(next(read_frames(source)).native) is None
    refill(source, tmp_path / "out.mkv", lossless=True)
    assert not caplog.records
