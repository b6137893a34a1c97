"""Timelines as files: read by the adapters of OpenTimelineIO, written as .otio."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

from opentimelineio import adapters
from opentimelineio.exceptions import NoKnownAdapterForExtensionError
from opentimelineio.schema import SerializableCollection, Timeline

from .. import __version__
from ..errors import OptionError, VideoError
from ..whole_file import WholeFile

MARK = "lgtsm"
"""Part of the metadata that every written timeline has."""
_ADAPTERS = {
    ".edl": "otio-cmx3600-adapter",
    ".xml": "otio-fcp-adapter",
    ".fcpxml": "otio-fcpx-xml-adapter",
}
"""Packages that read what OpenTimelineIO itself does not."""
_LOSSES = {
    ".edl": "An EDL keeps one video track and the text of markers (locators), no rate: that of --edl-rate is "
    "taken, and films are found only where it names their files.",
    ".xml": "FCP 7 XML keeps names and comments of markers, but no metadata: options are written in the "
    "comment.",
    ".fcpxml": "FCP X XML keeps the names of markers, but neither notes nor metadata, and its adapter reads no "
    "transitions and no changes of speed: the written timeline lacks them, and retimed clips must not be marked.",
}
"""What another format than .otio does not tell."""


def read_timeline(path: Path, edl_rate: Fraction) -> tuple[Timeline, list[str]]:
    """Read a timeline.

    Args:
        path: .otio, or another format whose adapter is installed.
        edl_rate: frames per second of an EDL.

    Returns:
        The timeline, and what its format does not keep, a sentence each.

    Raises:
        VideoError: a file that cannot be read; OptionError: no adapter, or not exactly one timeline.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise VideoError(f"Expected a timeline, found no file {path}; check the path.")
    settings: dict[str, Any] = {"rate": float(edl_rate)} if suffix == ".edl" else {}
    try:
        found = adapters.read_from_file(str(path), **settings)
    except NoKnownAdapterForExtensionError as error:
        package = _ADAPTERS.get(suffix)
        advice = f"pip install {package}" if package else "export the timeline as .otio"
        raise OptionError(
            f"Expected a timeline that OpenTimelineIO can read, got {path.name}, for which no adapter is "
            f"installed; {advice}."
        ) from error
    except Exception as error:  # adapters raise whatever they meet
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise VideoError(
            f"Expected a timeline, got {path.name}, which cannot be read ({reason:.200}); export it again."
        ) from error
    timelines = list(found) if isinstance(found, SerializableCollection) else [found]
    timelines = [one for one in timelines if isinstance(one, Timeline)]
    if len(timelines) != 1:
        raise OptionError(
            f"Expected one timeline in {path.name}, got {len(timelines)}; export one by itself."
        )
    if MARK in timelines[0].metadata:
        raise OptionError(
            f"Expected the edit itself, got {path.name}, which lgtsm wrote; give the timeline that it was "
            "made from."
        )
    return timelines[0], [_LOSSES[suffix]] if suffix in _LOSSES else []


def check_target(target: Path, *, overwrite: bool) -> None:
    """Look, before any work, whether a timeline can be written.

    Args:
        target: file to write.
        overwrite: it may replace a file that no earlier call wrote.

    Raises:
        OptionError: another suffix, no folder, or a file that must not be replaced.
    """
    if target.suffix.lower() != ".otio":
        raise OptionError(f"Expected a name ending in .otio to write, got {target}; rename it.")
    if not target.absolute().parent.is_dir() or target.is_dir():
        raise OptionError(
            f"Expected a file in an existing folder to write, got {target}; name one."
        )
    if target.exists() and not overwrite and not _is_ours(target):
        raise OptionError(
            f"Expected {target} to be new or written by an earlier call, found another file; move it, or "
            "add --overwrite."
        )


def _is_ours(path: Path) -> bool:
    try:
        return MARK in json.loads(path.read_bytes())["metadata"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def write_timeline(timeline: Timeline, target: Path) -> None:
    """Write a timeline as .otio, whole or not at all.

    Raises:
        VideoError: the file cannot be written.
    """
    timeline.metadata[MARK] = {"version": __version__}
    try:
        with WholeFile(target) as temporary:
            temporary.write_text(adapters.write_to_string(timeline, "otio_json"), encoding="utf-8")
    except OSError as error:
        raise VideoError(
            f"Expected to write {target}, got: {error.strerror}; check its folder."
        ) from error
