import logging
from fractions import Fraction

import av
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lgtsm.errors import ShapeError, VideoError
from lgtsm.options import VideoOptions
from lgtsm.video.layout import samples
from lgtsm.video.probe import probe
from lgtsm.video.read import read_frames
from lgtsm.video.write import VideoWriter, open_writer

HOLE = (slice(5, 14), slice(7, 20))


def assert_outside_equal(source, target, size, hole_samples, hole=HOLE):
    """Compare all samples outside the hole, channel by channel."""
    mask = torch.zeros(1, *size)
    if hole is not None:
        mask[:, hole[0], hole[1]] = 1
    pairs = list(zip(read_frames(source), read_frames(target), strict=True))
    assert pairs
    changed = 0
    for old, new in pairs:
        stored = old.orientation.stored(mask)
        masks = hole_samples(stored, old.layout.name)
        for a, b in zip(old.layout.colours, new.layout.colours, strict=True):
            before = samples(old.native, old.layout, a)
            after = samples(new.native, new.layout, b)
            outside = ~masks[a.plane].numpy()
            assert (before == after)[outside].all()
            changed += int((before != after).sum())
        if old.layout.alpha:
            before = samples(old.native, old.layout, old.layout.alpha)
            assert (before == samples(new.native, new.layout, new.layout.alpha)).all()
    assert (changed > 0) is (hole is not None)


@pytest.mark.parametrize(
    ("fmt", "codec", "size"),
    [
        ("yuv420p", "libx264", (48, 64)),
        ("yuvj420p", "libx264", (48, 64)),
        ("yuv422p10le", "ffv1", (48, 64)),
        ("yuv444p", "libx264", (48, 64)),
        ("yuv420p12le", "ffv1", (48, 64)),
        ("yuva420p", "ffv1", (48, 64)),
        ("gray", "ffv1", (48, 64)),
        ("gray", "libx264", (48, 64)),
        ("gray16le", "ffv1", (48, 64)),
        ("bgr0", "ffv1", (48, 64)),
        ("bgra", "ffv1", (48, 64)),
        ("rgb24", "libx264rgb", (48, 64)),
        ("gbrp10le", "ffv1", (48, 64)),
        ("yuv420p", "ffv1", (37, 51)),
        ("yuv422p", "ffv1", (37, 51)),
    ],
)
def test_lossless_file_is_exact_outside_the_hole(
    tmp_path, make_video, refill, caplog, fmt, codec, size, hole_samples
):
    source = make_video(tmp_path / "in.mkv", codec=codec, fmt=fmt, size=size, num=3, noise=True)
    with caplog.at_level(logging.WARNING):
        refill(source, tmp_path / "out.mkv", hole=HOLE, lossless=True)
    assert not caplog.records
    assert_outside_equal(source, tmp_path / "out.mkv", size, hole_samples)
    assert probe(tmp_path / "out.mkv").codec == "ffv1"


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    height=st.integers(8, 40),
    width=st.integers(8, 40),
    fmt=st.sampled_from(["yuv420p", "yuv422p10le", "yuv444p", "gray", "bgr0"]),
)
def test_empty_hole_writes_identical_planes(
    tmp_path, make_video, refill, height, width, fmt, hole_samples
):
    size = (height, width)
    # without slices, which some small sizes do not allow
    made = {"codec": "ffv1", "num": 2, "noise": True, "options": {"level": "1"}}
    source = make_video(tmp_path / "in.mkv", fmt=fmt, size=size, **made)
    refill(source, tmp_path / "out.mkv", lossless=True)
    assert_outside_equal(source, tmp_path / "out.mkv", size, hole_samples, hole=None)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_sound_is_copied_byte_for_byte(tmp_path, make_video, refill, packets, suffix):
    source = make_video(tmp_path / "in.mp4", audio=True, num=30, metadata={"title": "A film"})
    target = tmp_path / f"out{suffix}"
    assert refill(source, target, hole=HOLE) == 30
    old, new = packets(source, "audio"), packets(target, "audio")
    assert [data for _, data in new] == [data for _, data in old]
    tolerance = Fraction(1, 1000) if suffix == ".mkv" else 0
    for (a, _), (b, _) in zip(old, new, strict=True):
        assert abs(a - b) <= tolerance
    before, after = probe(source), probe(target)
    assert after.rate == before.rate == Fraction(30000, 1001)
    assert after.codec == "h264"
    times = [f.time for f in read_frames(source)]
    found = [f.time for f in read_frames(target)]
    assert len(found) == len(times) == 30
    assert max(abs(a - b) for a, b in zip(times, found, strict=True)) <= tolerance
    with av.open(str(target)) as container:
        assert {k.lower(): v for k, v in container.metadata.items()}["title"] == "A film"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_times_are_kept(tmp_path, make_video, refill, suffix):
    stamps = [40, 80, 90, 200, 201, 320, 500, 512]
    source = make_video(
        tmp_path / f"in{suffix}",
        times=stamps,
        time_base=Fraction(1, 1000),
        rate=Fraction(25),
    )
    refill(source, tmp_path / f"out{suffix}", hole=HOLE)
    times = [f.time for f in read_frames(source)]
    assert times == [Fraction(s, 1000) for s in stamps]
    assert [f.time for f in read_frames(tmp_path / f"out{suffix}")] == times


@pytest.mark.parametrize("rotation", [90, 180, 270])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_rotated_source_stays_rotated_and_exact(
    tmp_path, make_video, refill, rotation, suffix, hole_samples
):
    source = make_video(tmp_path / f"in{suffix}", size=(32, 48), rotation=rotation, num=3)
    shown = (48, 32) if rotation % 180 else (32, 48)
    assert (probe(source).height, probe(source).width) == shown
    assert probe(source).rotation == rotation
    lossless = suffix == ".mkv"
    target = tmp_path / f"out{suffix}"
    refill(source, target, hole=HOLE, lossless=lossless)
    assert probe(target).rotation == rotation
    if lossless:
        assert_outside_equal(source, target, shown, hole_samples)
    filled = next(read_frames(target)).rgb()[:, 8:12, 10:18]
    wanted = torch.tensor((0.9, 0.1, 0.4)).view(3, 1, 1)
    assert (filled - wanted).abs().max() < 0.1


def test_range_cuts_picture_and_sound_together(tmp_path, make_video, refill, packets):
    source = make_video(tmp_path / "in.mp4", audio=True, num=60, options={"g": "12"})
    refill(source, tmp_path / "out.mp4", start=20, end=40)
    old = list(read_frames(source, start=20, end=40))
    new = list(read_frames(tmp_path / "out.mp4"))
    assert [f.time for f in new] == [f.time - old[0].time for f in old]
    first, last = old[0].time, old[-1].time + Fraction(1001, 30000)
    wanted = [(t, d) for t, d in packets(source, "audio") if first <= t < last]
    found = packets(tmp_path / "out.mp4", "audio")
    assert [d for _, d in found] == [d for _, d in wanted]
    for (a, _), (b, _) in zip(wanted, found, strict=True):
        assert abs(a - first - b) <= Fraction(1, 48000)


def test_colour_tags_and_aspect_are_copied(tmp_path, make_video, refill, caplog):
    tags = {"colorspace": 9, "color_range": 1, "color_trc": 16, "color_primaries": 9}
    source = make_video(
        tmp_path / "in.mkv",
        codec="libx265",
        fmt="yuv420p10le",
        num=3,
        tags=tags | {"sample_aspect_ratio": Fraction(4, 3)},
        options={"x265-params": "log-level=none"},
    )
    before = probe(source)
    assert (before.colour.matrix, before.colour.transfer) == (9, 16)
    for name, lossless in (("out.mp4", False), ("out.mkv", True)):
        refill(source, tmp_path / name, hole=HOLE, lossless=lossless)
        after = probe(tmp_path / name)
        assert after.colour == before.colour
        if not lossless:
            assert after.aspect == Fraction(4, 3)
        assert after.pixel_format == "yuv420p10le"
    # What PyAV cannot write is at least said.
    assert "aspect ratio 4/3 is lost with ffv1" in caplog.text


@pytest.mark.parametrize(
    ("codec", "fmt", "suffix", "family"),
    [
        ("libvpx-vp9", "yuv420p", ".webm", "vp9"),
        ("prores_ks", "yuv422p10le", ".mov", "prores"),
        ("libsvtav1", "yuv420p", ".mp4", "av1"),
        ("ffv1", "bgr0", ".mp4", "h264"),
        ("mpeg4", "yuv420p", ".mp4", "h264"),
    ],
)
def test_codec_family_is_kept_where_it_can_be(
    tmp_path, make_video, refill, codec, fmt, suffix, family
):
    start = ".mkv" if codec == "ffv1" else suffix
    options = {"preset": "12"} if codec == "libsvtav1" else {}
    source = make_video(
        tmp_path / f"in{start}", codec=codec, fmt=fmt, num=3, size=(64, 96), options=options
    )
    refill(source, tmp_path / f"out{suffix}", hole=HOLE)
    after = probe(tmp_path / f"out{suffix}")
    assert after.codec == family
    old = [f.rgb() for f in read_frames(source)]
    new = [f.rgb() for f in read_frames(tmp_path / f"out{suffix}")]
    assert len(old) == len(new) == 3
    for a, b in zip(old, new, strict=True):
        # Far from the hole: the right colours, not the right bits.
        assert (a - b)[:, 40:].abs().mean() < 0.03


def test_odd_size_is_written_at_its_size(tmp_path, make_video, refill, caplog):
    source = make_video(tmp_path / "in.mkv", codec="ffv1", size=(33, 47), num=3)
    with caplog.at_level(logging.INFO, logger="lgtsm"):
        refill(source, tmp_path / "out.mp4", hole=HOLE)
    after = probe(tmp_path / "out.mp4")
    assert (after.height, after.width, after.pixel_format) == (33, 47, "yuv444p")
    assert "odd size" in caplog.text


def test_sound_that_does_not_fit_is_named_and_the_picture_kept(
    tmp_path, make_video, refill, caplog
):
    source = make_video(tmp_path / "in.mp4", audio=True, num=4)
    refill(source, tmp_path / "out.webm", hole=HOLE)
    assert "audio stream 1 of in.mp4 is not copied" in caplog.text
    assert len(list(read_frames(tmp_path / "out.webm"))) == 4


def test_subtitles_and_chapters_are_copied(tmp_path, make_video, refill, packets):
    plain = make_video(tmp_path / "plain.mkv", num=60)
    (tmp_path / "s.srt").write_text(
        "1\n00:00:00,100 --> 00:00:00,500\nHello\n\n2\n00:00:01,000 --> 00:00:01,500\nBye\n",
        encoding="utf-8",
    )
    source = tmp_path / "in.mkv"
    with (
        av.open(str(plain)) as film,
        av.open(str(tmp_path / "s.srt")) as text,
        av.open(str(source), "w") as out,
    ):
        out.set_chapters(
            [
                {
                    "id": 1,
                    "start": 0,
                    "end": 900,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": "One"},
                }
            ]
        )
        streams = [out.add_stream_from_template(c.streams[0], opaque=True) for c in (film, text)]
        for container, stream in zip((film, text), streams, strict=True):
            for packet in container.demux(0):
                if packet.size:
                    packet.stream = stream
                    out.mux(packet)
    refill(source, tmp_path / "out.mkv", hole=HOLE)
    assert packets(tmp_path / "out.mkv", "subtitle") == packets(source, "subtitle")
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert [c["metadata"]["title"] for c in container.chapters()] == ["One"]


def test_untouched_path_with_spaces_and_other_letters(tmp_path, make_video, refill):
    folder = tmp_path / "Mein Ordner 视频"
    folder.mkdir()
    source = make_video(folder / "été %03d あ.mp4", num=3, audio=True)
    refill(source, folder / "крайний кадр.mp4", hole=HOLE)
    assert len(list(read_frames(folder / "крайний кадр.mp4"))) == 3


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("name", ["out.mp4", "out"])
def test_nothing_is_left_after_an_exception(tmp_path, make_video, refill, error, name):
    source = make_video(tmp_path / "in.mp4", num=5, audio=True)

    def fail_on_the_way():
        with open_writer(tmp_path / name, source) as writer:
            for frame in read_frames(source):
                writer.write(frame, frame.rgb(), torch.zeros(1, 48, 64))
                if frame.index == 2:
                    raise error

    with pytest.raises(error):
        fail_on_the_way()
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


def test_old_target_survives_a_failure(tmp_path, make_video):
    source = make_video(tmp_path / "in.mp4", num=2)
    target = tmp_path / "out.mp4"
    target.write_bytes(b"old")
    frame = next(read_frames(source))
    with pytest.raises(ShapeError), VideoWriter(target, source) as writer:
        writer.write(frame, frame.rgb()[:, :3], torch.zeros(1, 48, 64))
    assert target.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2


def test_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, make_video, refill):
    source = make_video(tmp_path / "in.mkv", codec="ffv1", size=(256, 256), num=6, noise=True)
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A file size limit fails like a full disk, at the system call.
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        with pytest.raises(VideoError, match="Expected to write"):
            refill(source, tmp_path / "out.mkv", hole=HOLE, lossless=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [p.name for p in tmp_path.iterdir()] == ["in.mkv"]


def test_impossible_targets_are_refused_before_any_work(tmp_path, make_video):
    source = make_video(tmp_path / "in.mp4", num=2)
    with pytest.raises(VideoError, match="another file than the source"):
        VideoWriter(source, source)
    with pytest.raises(VideoError, match=r"ending in \.mkv"):
        VideoWriter(tmp_path / "o.mp4", source, options=VideoOptions(lossless=True))
    with pytest.raises(VideoError, match="existing folder"):
        VideoWriter(tmp_path / "missing" / "o.mp4", source)
    with pytest.raises(VideoError, match="ending in"):
        VideoWriter(tmp_path / "o.xyz", source)
    with (
        pytest.raises(VideoError, match="at least one frame"),
        VideoWriter(tmp_path / "o.mp4", source),
    ):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


def test_dropped_writer_leaves_no_file(tmp_path, make_video):
    source = make_video(tmp_path / "in.mp4", num=2)
    writer = VideoWriter(tmp_path / "out.mp4", source)
    assert len(list(tmp_path.iterdir())) == 2
    del writer
    assert len(list(tmp_path.iterdir())) == 1


def test_quality_changes_the_size(tmp_path, make_video, refill):
    source = make_video(tmp_path / "in.mkv", codec="ffv1", noise=True, num=4)
    sizes = []
    for quality in (4, 40):
        refill(source, tmp_path / "out.mp4", quality=quality)
        sizes.append((tmp_path / "out.mp4").stat().st_size)
    assert sizes[0] > 2 * sizes[1]
