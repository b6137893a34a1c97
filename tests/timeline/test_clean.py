"""Marked clips are cleaned for the frames they show, and lie above them to the frame."""

import av
import numpy as np
import opentimelineio as otio
import pytest
from opentimelineio.opentime import RationalTime

from lgtsm.errors import OptionError, VideoError
from tests.batch.conftest import RATE, SIZE, streams, write_film
from tests.timeline.conftest import clip, dissolve, times

HOLE = np.zeros(SIZE, bool)
HOLE[32:60, 40:76] = True
FAR = np.ones(SIZE, bool)
FAR[32 - 4 : 60 + 4, 40 - 4 : 76 + 4] = False
"""Where no chroma sample touches the hole."""
EXACT = {"lossless": True, "grow": 0}


def _file(item):
    return otio.url_utils.filepath_from_url(item.media_reference.target_url)


def _frame(item, offset):
    """Return the frame (H,W,3) that a clip shows after some frames, found as an editor finds it."""
    shown = item.trimmed_range().start_time - item.available_range().start_time
    return streams(_file(item))[0][round(shown.rescaled_to(RATE).value) + offset]


def _plain(track):
    return [(type(item).__name__, item.duration().value) for item in track]


def test_the_clean_clip_shows_the_same_frames_and_nothing_else_changes(films, save, clean):
    original = clip(films / "a.mp4", 7, 5, marker={"mask": "mask.png"})
    edit = save([clip(films / "b.mp4", 2, 6), original, clip(films / "b.mp4", 9, 4)])
    before = edit.read_bytes()
    result, made = clean(edit, defaults=EXACT, handles=3)
    assert (result.num_clean, result.left, result.notes) == (1, (), ())
    assert edit.read_bytes() == before
    below, above = made.tracks
    assert below.is_equivalent_to(otio.adapters.read_from_file(str(edit)).tracks[0])
    assert _plain(above) == [("Gap", 6), ("Clip", 5), ("Gap", 4)]
    assert above.duration() == below.duration()
    laid = above[1]
    assert laid.range_in_parent() == below[1].range_in_parent()
    assert len(streams(_file(laid))[0]) == 3 + 5 + 3
    for offset in range(5):
        shown, source = _frame(laid, offset), _frame(below[1], offset)
        assert np.array_equal(shown[FAR], source[FAR])
        assert not np.array_equal(shown[HOLE], source[HOLE])
    assert list(laid.markers) == []


def test_times_follow_the_timecode_where_the_timeline_counts_in_it(films, save, clean):
    coded = films / "coded.mov"
    with av.open(str(films / "a.mp4")) as source, av.open(str(coded), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        stream.metadata["timecode"] = "01:00:00:00"
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    hour = 3600 * RATE
    original = clip(coded, 7, 5, begin=hour, marker={"mask": "mask.png"})
    _, made = clean(save([original]), handles=3)
    laid = made.tracks[1][0]
    assert laid.source_range == original.source_range
    assert laid.available_range() == times(hour + 4, 11)
    with av.open(_file(laid)) as film:
        assert film.streams.video[0].metadata["timecode"] == "01:00:00:04"


@pytest.mark.parametrize(
    ("rate", "start", "first"), [(25, 10, 9), (24000 / 1001, 10, 10), (23.976, 10, 10)]
)
def test_times_at_another_rate_than_the_films_stay_aligned(rate, start, first, films, save, clean):
    """At 25 frames per second of the film's 24, frame 10 lies within frame 9 of the film."""
    original = clip(films / "a.mp4", start, 5, marker={"mask": "mask.png"}, total=20, rate=rate)
    original.media_reference.available_range = (
        times(0, 31.25, 25) if rate == 25 else times(0, 30, rate)
    )
    _, made = clean(save([original]), handles=0)
    laid = made.tracks[1][0]
    assert laid.duration() == original.duration()
    plays = RATE if rate == 25 else rate
    offset = (laid.source_range.start_time - laid.available_range().start_time).to_seconds()
    assert first / plays + offset == pytest.approx(start / rate)
    assert laid.media_reference.name.startswith(f"a_{first:06}-")


def test_a_dissolve_lies_above_with_a_piece_of_the_neighbour(films, save, clean):
    items = [
        clip(films / "b.mp4", 5, 8),
        dissolve(2, 3),
        clip(films / "a.mp4", 7, 9, marker={"mask": "mask.png"}),
        dissolve(4, 1),
        clip(films / "b.mp4", 10, 6),
    ]
    _, made = clean(save(items), handles=0)
    below, above = made.tracks
    assert _plain(above) == [
        ("Gap", 5),
        ("Clip", 3),
        ("Transition", 5),
        ("Clip", 9),
        ("Transition", 5),
        ("Clip", 2),
        ("Gap", 4),
    ]
    assert above[1].source_range == times(10, 3)
    assert above[5].source_range == times(10, 2)
    assert above[3].range_in_parent() == below[2].range_in_parent()
    # frames 5 to 16: two before the clip's first and one after its last lie under transitions
    assert len(streams(_file(above[3]))[0]) == 2 + 9 + 1
    expanded = otio.algorithms.track_with_expanded_transitions(above)
    assert expanded[2][2].source_range.start_time == RationalTime(0, RATE)


@pytest.mark.slow
def test_a_piece_never_reaches_under_another_dissolve(films, save, clean):
    marker = {"mask": "mask.png"}
    items = [
        clip(films / "a.mp4", 3, 8, marker=marker),
        dissolve(2, 3),
        clip(films / "b.mp4", 9, 7),
        dissolve(4, 2),
        clip(films / "b.mp4", 20, 6),
    ]
    _, made = clean(save(items))
    assert _plain(made.tracks[1]) == [
        ("Clip", 8),
        ("Transition", 5),
        ("Clip", 3),
        ("Gap", 4 + 6),
    ]
    items[4] = clip(films / "a.mp4", 20, 6, marker=marker)
    _, made = clean(save([one.deepcopy() for one in items]))
    assert _plain(made.tracks[1])[2] == ("Clip", 7)


@pytest.mark.slow
def test_clips_that_dissolve_with_each_other_are_both_clean(films, save, clean):
    marker = {"mask": "mask.png"}
    items = [
        clip(films / "a.mp4", 3, 8, marker=marker),
        dissolve(2, 2),
        clip(films / "b.mp4", 9, 7, marker=marker),
    ]
    result, made = clean(save(items))
    assert result.num_clean == 2
    assert _plain(made.tracks[1]) == [("Clip", 8), ("Transition", 4), ("Clip", 7)]


def test_the_fill_alone_lies_above_but_not_beside_a_dissolve(films, save, clean):
    marker = {"mask": "mask.png", "grow": 0}
    items = [
        clip(films / "a.mp4", 3, 6, marker=marker),
        clip(films / "a.mp4", 15, 6, marker=marker),
        dissolve(2, 2),
        clip(films / "b.mp4", 9, 7),
    ]
    result, made = clean(save(items), layer_only=True, handles=0)
    layer, whole = (item for item in made.tracks[1][:2])
    with av.open(_file(layer)) as film:
        (frame, *_) = film.decode(video=0)
        alpha = frame.to_ndarray(format="rgba")[..., 3]
    assert np.array_equal(alpha > 127, HOLE)
    assert _file(whole).endswith(".mp4")
    assert len(result.notes) == 1
    assert "a (track V1, at 00:00:00.25)" in result.notes[0]


def test_every_track_gets_its_own_above_it(films, save, clean):
    marker = {"mask": "mask.png"}
    _, made = clean(
        save(
            [clip(films / "a.mp4", 0, 9, marker=marker)],
            [clip(films / "b.mp4", 0, 9)],
            [
                otio.schema.Gap(duration=RationalTime(3, RATE)),
                clip(films / "b.mp4", 3, 4, marker=marker),
            ],
        )
    )
    assert [track.name for track in made.tracks] == ["V1", "V1 clean", "V2", "V3", "V3 clean"]


@pytest.mark.slow
def test_clips_that_show_the_same_share_a_film_and_others_do_not(films, save, clean):
    marker = {"mask": "mask.png"}
    edit = save(
        [
            clip(films / "a.mp4", 3, 6, marker=marker),
            clip(films / "a.mp4", 3, 6, marker=marker),
            clip(films / "a.mp4", 3, 6, marker=marker | {"grow": 7}),
        ]
    )
    result, made = clean(edit)
    first, second, third = map(_file, made.tracks[1])
    assert first == second != third
    assert [entry.state for entry in result.batch.entries] == ["done", "done"]
    result, _ = clean(edit)
    assert [entry.state for entry in result.batch.entries] == ["skipped", "skipped"]
    with pytest.raises(OptionError, match="which lgtsm wrote"):
        clean(films / "clean.otio", target=films / "again.otio")


def test_effects_go_along_and_are_named_where_they_do_something(films, save, clean):
    idle, busy = (clip(films / "a.mp4", 3, 6, marker={"mask": "mask.png"}) for _ in range(2))
    for item, values in ((idle, []), (busy, [{"Parameter ID": "opacity"}])):
        own = {"Effect Name": "Composite", "Parameters": values}
        item.effects.append(otio.schema.Effect("", "", metadata={"Resolve_OTIO": own}))
    result, made = clean(save([idle, busy]))
    assert [len(item.effects) for item in made.tracks[1]] == [1, 1]
    assert len(result.notes) == 1
    assert "at 00:00:00.25" in result.notes[0]


def test_an_edit_without_marked_clips_is_refused(films, save, clean, tmp_path):
    with pytest.raises(OptionError, match="marker named lgtsm"):
        clean(save([clip(films / "a.mp4", 3, 6)]))
    with pytest.raises(OptionError, match="gone"):
        clean(save([clip("gone.mp4", 3, 6, marker={})]))
    assert not (tmp_path / "clean.otio").exists()


def test_files_that_are_no_timeline_or_would_be_replaced_are_refused(films, save, clean, tmp_path):
    edit = save([clip(films / "a.mp4", 3, 6, marker={"mask": "mask.png"})])
    before = edit.read_bytes()
    with pytest.raises(VideoError, match="name of its own"):
        clean(edit, target=edit)
    assert edit.read_bytes() == before
    with pytest.raises(OptionError, match=r"\.otio"):
        clean(edit, target=tmp_path / "clean.xml")
    with pytest.raises(OptionError, match="existing folder"):
        clean(edit, target=tmp_path / "none" / "clean.otio")
    (tmp_path / "other.otio").write_bytes(before)
    with pytest.raises(OptionError, match="--overwrite"):
        clean(edit, target=tmp_path / "other.otio")
    (tmp_path / "no.otio").write_text("{")
    with pytest.raises(VideoError, match="cannot be read"):
        clean(tmp_path / "no.otio")
    (tmp_path / "edit.foo").write_text("")
    with pytest.raises(OptionError, match="no adapter"):
        clean(tmp_path / "edit.foo")


def test_a_film_that_fails_leaves_the_others_clean(films, save, clean):
    broken = write_film(films / "c.mkv", 30)
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size * 2 // 3])
    marker = {"mask": "mask.png"}
    edit = save([clip(broken, 0, 30, marker=marker), clip(films / "a.mp4", 3, 6, marker=marker)])
    result, made = clean(edit, defaults={"strict": True})
    assert sorted(entry.state for entry in result.batch.entries) == ["done", "failed"]
    assert result.num_clean == 1
    assert _plain(made.tracks[1]) == [("Gap", 30), ("Clip", 6)]
