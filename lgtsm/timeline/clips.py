"""Clips with a marker named lgtsm: those that can be cleaned, and why others are left alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from opentimelineio.core import Composable, Composition, Item
from opentimelineio.schema import (
    Clip,
    ExternalReference,
    Gap,
    GeneratorReference,
    ImageSequenceReference,
    TimeEffect,
    Timeline,
    Track,
    Transition,
)

from ..errors import VideoError
from .films import Film, film_of, path_of
from .markers import MARKER, is_ours, marker_values
from .rates import seconds_of


@dataclass(frozen=True)
class MarkedClip:
    """A clip to clean.

    track, index: numbers of its track and of the clip in it.
    place: the same for messages.
    film: its media.
    start, end: frames of the film that it shows, those under transitions included; end is the next one.
    values: columns of its marker.
    dissolves: a transition lies before or after it.
    """

    track: int
    index: int
    clip: Clip
    place: str
    film: Film
    start: int
    end: int
    values: dict[str, object]
    dissolves: bool


class FoundClips(NamedTuple):
    """Marked clips; those left alone and mistakes in markers, in one sentence each."""

    clips: list[MarkedClip]
    left: list[str]
    problems: list[str]


def find_clips(timeline: Timeline, base: Path) -> FoundClips:
    """Find all marked clips of the video tracks.

    Args:
        timeline: as it was read.
        base: folder of its file.
    """
    found = FoundClips([], [], [])
    if any(map(is_ours, timeline.tracks.markers)):
        found.left.append(
            "The timeline is left alone: its marker belongs on a clip, which tells the film."
        )
    for number, track in enumerate(timeline.tracks):
        if not isinstance(track, Track):
            found.left.extend(_nested(track))
        elif track.kind == Track.Kind.Video:
            for index, item in enumerate(track):
                if isinstance(item, Composition):
                    found.left.extend(_nested(item))
                elif isinstance(item, Clip) and any(map(is_ours, item.markers)):
                    _look_at(found, number, index, item, base)
    return found


def changes_speed(item: Item) -> bool:
    """Tell whether an item plays its media at another speed, frozen or backwards."""
    return any(
        isinstance(effect, TimeEffect)
        or dict(effect.metadata.get("fcp_xml", {})).get("effectid") == "timeremap"
        for effect in item.effects
    )


def has_effects(item: Item) -> bool:
    """Tell whether an item has effects that do something; Resolve lists all that could."""
    return any(
        not isinstance(own := effect.metadata.get("Resolve_OTIO"), Mapping)
        or bool(own.get("Parameters"))
        for effect in item.effects
    )


def _look_at(found: FoundClips, number: int, index: int, clip: Clip, base: Path) -> None:
    """Add a marked clip, or a sentence why it is left alone."""
    track, place = clip.parent(), _place(clip)
    assert isinstance(track, Track)
    values, problems = marker_values(next(filter(is_ours, clip.markers)))
    found.problems.extend(f"{place}: {problem}" for problem in problems)
    film = _reason(track, index, clip) or _film(clip, base)
    if isinstance(film, Film):
        before, after = transitions_of(track, index)
        start, end = _frames(clip, film, before, after)
        if 0 <= start < end <= film.info.num_frames:
            dissolves = before is not None or after is not None
            found.clips.append(
                MarkedClip(number, index, clip, place, film, start, end, values, dissolves)
            )
            return
        film = (
            f"it needs frames {start} to {end} of {film.path.name}, which has "
            f"{film.info.num_frames}; relink it"
        )
    found.left.append(f"{place} is left alone: {film}.")


def _place(item: Item) -> str:
    """Name an item for messages."""
    track = item.parent()
    if not isinstance(track, Track):
        return item.name or "an item"
    when = item.range_in_parent().start_time.to_time_string()
    return f"{item.name or 'a clip'} (track {track.name or 'without a name'}, at {when})"


def _nested(item: Composable) -> Iterator[str]:
    """Yield a sentence where a nested sequence has markers, on it or within."""
    if not isinstance(item, Composition):
        return
    inside = [one for one in item.find_children() if isinstance(one, Item)]
    count = sum(is_ours(marker) for one in (item, *inside) for marker in one.markers)
    if count:
        yield (
            f"{_place(item)} is left alone: it is nested, with {count} marker{'s' if count > 1 else ''} named "
            f"{MARKER}; open it as a timeline of its own."
        )


def _reason(track: Track, index: int, clip: Clip) -> str:
    """Tell why a clip is left alone, as far as the timeline tells; empty where it is not."""
    reference = clip.media_reference
    if not clip.enabled:
        return "it is disabled"
    if has_effects(track):
        return "its track has effects, which a track above would not get"
    if changes_speed(clip):
        return "its speed is changed, so that its frames are not those of the film"
    if isinstance(reference, ImageSequenceReference):
        return "its media is a sequence of images; use `lgtsm inpaint` and relink it"
    if isinstance(reference, GeneratorReference):
        return "its picture is generated"
    if not isinstance(reference, ExternalReference) or not reference.target_url:
        return "its media is missing"
    before, after = transitions_of(track, index)
    for transition, far in ((before, index - 2), (after, index + 2)):
        if transition is None:
            continue
        other = track[far] if 0 <= far < len(track) else None
        if other is None or isinstance(other, Gap | Transition):
            return "it fades from or to nothing, and on two tracks the fade would show what was removed"
        if changes_speed(other):
            return f"it dissolves with {other.name or 'a clip'}, whose speed is changed"
    return ""


def _film(clip: Clip, base: Path) -> Film | str:
    """Return a clip's film, or why it cannot be used."""
    reference = clip.media_reference
    assert isinstance(reference, ExternalReference)
    path = path_of(reference.target_url, base)
    if path is None:
        return f"its media lies elsewhere ({reference.target_url:.80}); copy it to this machine and relink it"
    if not path.is_file():
        return f"its media is missing, there is no file {path}"
    try:
        return film_of(clip, path)
    except VideoError as error:
        return f"its media cannot be read ({str(error).rstrip('.')})"


def transitions_of(track: Track, index: int) -> tuple[Transition | None, Transition | None]:
    """Return the transitions before and after an item."""
    around = (track[i] if 0 <= i < len(track) else None for i in (index - 1, index + 1))
    before, after = (one if isinstance(one, Transition) else None for one in around)
    return before, after


def _frames(
    clip: Clip, film: Film, before: Transition | None, after: Transition | None
) -> tuple[int, int]:
    """Return the frames of the film that a clip shows, those under its transitions included."""
    shown = clip.trimmed_range()
    start = seconds_of(shown.start_time) - film.begin
    end = start + seconds_of(shown.duration)
    if before is not None:
        start -= seconds_of(before.in_offset)
    if after is not None:
        end += seconds_of(after.out_offset)
    return math.floor(start * film.rate), math.ceil(end * film.rate)
