"""Markers named lgtsm: which clips are cleaned, and the columns of a job list that each one holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from opentimelineio.schema import Marker

from ..batch.columns import OPTIONS, column_name
from ..errors import OptionError, shown

MARKER = "lgtsm"
"""Name of the markers, and of their part of the metadata."""
_PLURALS = {"boxes": "box", "plates": "plate", "prompts": "track"}
_FILES = ("mask", "box", "track", "plate", "model")
_COLUMNS = frozenset({*_FILES, *OPTIONS}) - {"start", "end", "rate"}
"""What a marker may name; source, range and results come from the timeline."""


def is_ours(marker: Marker) -> bool:
    """Tell whether a marker asks for a clip to be cleaned: its text begins with lgtsm."""
    return _parts(marker)[:1] == [MARKER]


def marker_values(marker: Marker) -> tuple[dict[str, object], list[str]]:
    """Read the columns that a marker holds.

    They are the metadata named lgtsm. Where there are none, the text counts: name, comment and note, with one
    `name: value` a line, or between bars in one line.

    Returns:
        The values by column, and a sentence for every mistake.
    """
    values: dict[str, object] = {}
    problems: list[str] = []
    for given, value in _given(marker).items():
        try:
            name = column_name(_PLURALS.get(given.strip().lower(), given))
            if name not in _COLUMNS:
                raise OptionError(
                    f"Expected a mask, boxes, prompts, plates or an option, got {shown(given)}; leave it out, the "
                    "timeline tells it."
                )
            values[name] = list(value) if _is_list(value) else value
        except OptionError as error:
            problems.append(str(error))
    return values, problems


def _given(marker: Marker) -> Mapping[str, Any]:
    own = marker.metadata.get(MARKER)
    if isinstance(own, Mapping):
        return own
    pairs = (part.partition(":") for part in _parts(marker)[1:])
    return {name: value.strip() for name, colon, value in pairs if colon}


def _parts(marker: Marker) -> list[str]:
    """Return the parts of a marker's text; Kdenlive writes a comment alone, Resolve a note elsewhere."""
    texts = [marker.name, marker.comment]
    for place, name in (("Resolve_OTIO", "Note"), ("fcp_xml", "comment")):
        other = marker.metadata.get(place)
        texts.append(str(other.get(name) or "") if isinstance(other, Mapping) else "")
    parts = [part.strip() for part in re.split(r"[|\n]", "\n".join(texts))]
    parts = [part for part in parts if part]
    return [parts[0].casefold(), *parts[1:]] if parts else []


def _is_list(value: object) -> bool:
    """Tell apart lists, those of OpenTimelineIO included, which are no `list`."""
    return hasattr(value, "__iter__") and not isinstance(value, str | Mapping)
