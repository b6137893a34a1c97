"""The film behind a clip: its file, and where its frames lie in the times that the clip counts in."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote, urlsplit

from opentimelineio.opentime import RationalTime, from_timecode
from opentimelineio.schema import Clip, ExternalReference
from opentimelineio.url_utils import filepath_from_url

from ..video.media import open_media
from ..video.probe import VideoInfo, probe
from .rates import exact_rate, seconds_of


@dataclass(frozen=True)
class Film:
    """A film as a clip counts it.

    path: its file.
    info: what it holds.
    rate: frames per second that the editor plays it at.
    begin: time of its first frame in the clip's media times, in seconds.
    """

    path: Path
    info: VideoInfo
    rate: Fraction
    begin: Fraction


def path_of(url: str, base: Path) -> Path | None:
    """Return the file of a media URL; None where it lies elsewhere.

    Args:
        url: file:// URL, or a path, relative to the timeline's folder; its characters may be quoted.
        base: folder of the timeline.
    """
    scheme = urlsplit(url).scheme
    if scheme == "file":
        return Path(filepath_from_url(url))
    if len(scheme) > 1:  # one letter is a drive
        return None
    plain = base / url
    return plain if plain.exists() else base / unquote(url)


def film_of(clip: Clip, path: Path) -> Film:
    """Describe the film of a clip.

    Args:
        clip: with an external reference.
        path: its file.

    Raises:
        VideoError: a file that cannot be read.
    """
    info = probe(path)
    reference = clip.media_reference
    assert isinstance(reference, ExternalReference)  # as the caller found
    available = reference.available_range
    if available is None:
        begin = _begin_by_timecode(path, info.rate, clip.trimmed_range().start_time)
        return Film(path, info, info.rate, begin)
    # the editor may play a film at another rate than its own, frame by frame
    by_frame = round(available.duration.value) == info.num_frames
    rate = exact_rate(available.duration.rate) if by_frame else info.rate
    return Film(path, info, rate, seconds_of(available.start_time))


def timecode_of(path: Path) -> str | None:
    """Return the timecode of a file's first frame; None where it carries none."""
    with open_media(path) as container:
        for tags in (container.metadata, *(stream.metadata for stream in container.streams)):
            for name, value in tags.items():
                if name.lower() == "timecode":
                    return value
    return None


def _begin_by_timecode(path: Path, rate: Fraction, start: RationalTime) -> Fraction:
    """Return the time of the first frame where the timeline does not tell it, as in an EDL."""
    timecode = timecode_of(path)
    if timecode is None:
        return Fraction(0)
    try:
        begin = seconds_of(from_timecode(timecode, float(rate)))
    except ValueError:  # a rate without timecodes
        return Fraction(0)
    return begin if begin <= seconds_of(start) else Fraction(0)
