"""The track above: clean clips where the marked ones lie, aligned with them to the frame."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from opentimelineio.core import Item
from opentimelineio.opentime import RationalTime, TimeRange
from opentimelineio.schema import Clip, ExternalReference, Gap, Track, Transition

from .clips import MarkedClip, transitions_of
from .films import timecode_of
from .markers import is_ours
from .rates import exact_rate, seconds_of, time_at


def clean_clip(marked: MarkedClip, path: Path, start: int, end: int) -> Clip:
    """Return a marked clip that shows its clean film instead.

    Its effects, name and metadata are kept. If the timeline counts in timecodes and the clean film carries
    its own, the clip's times stay; otherwise they count from the first frame of the clean film.

    Args:
        marked: the clip.
        path: of the clean film, or of the fill alone.
        start: frame of the film that the clean one begins with.
        end: frame after its last one.
    """
    film, clip = marked.film, marked.clip.deepcopy()
    assert isinstance(clip, Clip)
    shown = marked.clip.trimmed_range()
    rate = shown.start_time.rate
    if exact_rate(rate) != film.rate:
        rate = float(film.rate)
    first = Fraction(start) / film.rate
    keeps_times = film.begin != 0 and timecode_of(path) is not None
    begin = film.begin + first if keeps_times else Fraction(0)
    reference = ExternalReference(
        target_url=path.absolute().as_uri(),
        available_range=TimeRange(time_at(begin, rate), RationalTime(end - start, rate)),
    )
    reference.name = path.name
    reference.available_image_bounds = clip.media_reference.available_image_bounds
    key = Clip.DEFAULT_MEDIA_KEY
    clip.set_media_references({key: reference}, key)
    moved = begin - film.begin - first
    clip.source_range = TimeRange(
        time_at(seconds_of(shown.start_time) + moved, shown.start_time.rate), shown.duration
    )
    clip.name = f"{clip.name} clean"
    _unmark(clip)
    return clip


def overlay_of(track: Track, clean: Mapping[int, Clip]) -> Track:
    """Return the track to lay above another one.

    Where a clean clip dissolves with a clip that is not cleaned, a piece of that one lies beside it, as
    long as the transition: a dissolve over two tracks would show what was removed.

    Args:
        track: the one below.
        clean: clean clips by the number of the item that they cover.
    """
    above = Track(name=f"{track.name} clean".strip(), kind=Track.Kind.Video)
    above.source_range = track.source_range
    for index, item in enumerate(track):
        if isinstance(item, Transition):
            if index - 1 in clean or index + 1 in clean:
                above.append(item.deepcopy())
        elif index in clean:
            above.append(clean[index])
        else:
            for piece in _beside(track, index, clean):
                _append(above, piece)
    return above


def _beside(track: Track, index: int, clean: Mapping[int, Clip]) -> list[Item]:
    """Return what lies above an item that is not cleaned: a gap, and pieces under transitions.

    A piece is one frame longer than its transition where no other transition begins there: MLT and others
    misread a clip that is nothing but a transition.
    """
    item = track[index]
    length = item.trimmed_range().duration
    none, frame = RationalTime(0, length.rate), RationalTime(1, length.rate)
    before, after = transitions_of(track, index)
    head = none if before is None else before.out_offset
    tail = none if after is None else after.in_offset
    free = length - head - tail
    has_head = head > none and index - 2 in clean
    has_tail = tail > none and index + 2 in clean
    if has_head and has_tail and free <= frame + frame:
        return [_piece(item, none, length)]
    more = min(frame, free)
    head = head + more if has_head else none
    tail = tail + more if has_tail else none
    pieces: list[Item] = [_piece(item, none, head)] if has_head else []
    if head + tail < length:
        pieces.append(Gap(duration=length - head - tail))
    return [*pieces, _piece(item, length - tail, tail)] if has_tail else pieces


def _piece(item: Item, offset: RationalTime, duration: RationalTime) -> Item:
    """Return a copy of a part of an item."""
    piece = item.deepcopy()
    piece.source_range = TimeRange(item.trimmed_range().start_time + offset, duration)
    _unmark(piece)
    return piece


def _append(track: Track, item: Item) -> None:
    """Append an item; a gap is joined to one before it."""
    last = track[-1] if len(track) else None
    if last is not None and isinstance(last, Gap) and isinstance(item, Gap):
        length = last.trimmed_range().duration + item.trimmed_range().duration
        last.source_range = TimeRange(RationalTime(0, length.rate), length)
    else:
        track.append(item)


def _unmark(item: Item) -> None:
    """Remove our markers from a copy, so that it is not cleaned again."""
    kept = [marker.deepcopy() for marker in item.markers if not is_ours(marker)]
    item.markers[:] = kept
