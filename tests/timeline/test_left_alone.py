"""What cannot be cleaned is left alone, and named in one sentence."""

import opentimelineio as otio
import pytest
from opentimelineio.opentime import RationalTime

from tests.batch.conftest import RATE
from tests.timeline.conftest import clip, dissolve


def _slow(item):
    item.effects.append(otio.schema.LinearTimeWarp(time_scalar=0.5))
    return item


def _frozen(item):
    item.effects.append(otio.schema.FreezeFrame())
    return item


def _reversed(item):
    item.effects.append(otio.schema.LinearTimeWarp(time_scalar=-1))
    return item


def _showing(reference):
    """Return what makes a clip show something else than a film."""

    def change(item):
        item.media_reference = reference
        return item

    return change


_SEQUENCE = otio.schema.ImageSequenceReference("file:///frames", "f.", ".png", frame_zero_padding=4)


def _disabled(item):
    item.enabled = False
    return item


def _nested(item):
    return otio.schema.Stack("scene", [otio.schema.Track("V1", [item], kind="Video")])


@pytest.mark.parametrize(
    ("around", "why"),
    [
        (_slow, "speed"),
        pytest.param(_frozen, "speed", marks=pytest.mark.slow),
        pytest.param(_reversed, "speed", marks=pytest.mark.slow),
        (_showing(otio.schema.MissingReference()), "its media is missing"),
        pytest.param(_showing(_SEQUENCE), "sequence of images", marks=pytest.mark.slow),
        pytest.param(
            _showing(otio.schema.GeneratorReference(generator_kind="bars")),
            "generated",
            marks=pytest.mark.slow,
        ),
        pytest.param(_disabled, "disabled", marks=pytest.mark.slow),
        (_nested, "scene (track V1, at 00:00:00.25) is left alone: it is nested"),
        (lambda item: clip("gone.mp4", 3, 6, marker={}), "missing, there is no file"),
        pytest.param(
            lambda item: clip("https://host/a.mp4", 3, 6, marker={}),
            "elsewhere",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            lambda item: clip(item.media_reference.target_url, 27, 6, marker={}),
            "frames 27 to 33",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_cannot_be_cleaned_is_left_alone_and_named(around, why, films, save, clean):
    marker = {"mask": "mask.png"}
    good = clip(films / "b.mp4", 3, 6, marker=marker)
    result, made = clean(save([good, around(clip(films / "a.mp4", 3, 6, marker=marker))]))
    assert result.num_clean == 1
    assert len(result.left) == 1
    assert why in result.left[0]
    assert made.tracks[1][0].duration() == good.duration()
    assert len(made.tracks[1]) == 2


def test_nested_stacks_of_any_depth_and_tracks_with_effects_are_named(films, save, clean):
    marker = {"mask": "mask.png"}

    def marked():
        return clip(films / "a.mp4", 3, 6, marker=marker)

    inner = _nested(marked())
    inner.markers.append(otio.schema.Marker(name="lgtsm"))
    deep = _nested(inner)
    path = save([clip(films / "b.mp4", 3, 6, marker=marker), deep], [marked()])
    edit = otio.adapters.read_from_file(str(path))
    edit.tracks[1].effects.append(otio.schema.Effect(effect_name="blur"))
    edit.tracks.append(_nested(marked()))
    edit.tracks.markers.append(otio.schema.Marker(name="lgtsm"))
    otio.adapters.write_to_file(edit, str(path))
    result, made = clean(path)
    assert result.num_clean == 1
    timeline, nested, effects, level = result.left
    assert "The timeline is left alone" in timeline
    assert "nested, with 2 markers" in nested
    assert "its track has effects" in effects
    assert "nested, with 1 marker named" in level
    before = otio.adapters.read_from_file(str(path)).tracks
    for number, old in enumerate(before):  # nothing of them is changed
        new = made.tracks[number if number == 0 else number + 1]
        assert new.is_equivalent_to(old)


def test_a_fade_to_nothing_and_a_retimed_neighbour_are_named(films, save, clean):
    marker = {"mask": "mask.png"}
    items = [
        clip(films / "a.mp4", 3, 9, marker=marker),
        dissolve(),
        otio.schema.Gap(duration=RationalTime(9, RATE)),
        clip(films / "a.mp4", 3, 9, marker=marker),
        dissolve(),
        _slow(clip(films / "b.mp4", 3, 9)),
        clip(films / "a.mp4", 3, 9, marker=marker),
    ]
    result, _ = clean(save(items))
    assert result.num_clean == 1
    assert "fades from or to nothing" in result.left[0]
    assert "dissolves with b, whose speed is changed" in result.left[1]
