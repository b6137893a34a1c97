"""Markers named lgtsm: which clips are cleaned, and the columns of a job list that each one holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentimelineio.schema import Marker

from ..batch.columns import OPTIONS, column_name
from ..errors import OptionError, shown

MARKER = "lgtsm"
"""Name of the markers, and of their part of the metadata."""
_PLURALS = {"boxes": "box", "plates": "plate"}
_TAKEN = ("start", "end")
_FILES = ("mask", "box", "plate", "model")
_COLUMNS = frozenset({*_FILES, *OPTIONS}) - {*_TAKEN, "rate"}
"""What a marker may name; source, range and results come from the timeline."""


def is_ours(marker: Marker) -> bool:
    """Tell whether a marker asks for a clip to be cleaned."""
    return marker.name.strip().casefold() == MARKER


def marker_values(marker: Marker) -> tuple[dict[str, object], list[str]]:
    """Read the columns that a marker holds.

    They are the metadata named lgtsm. Where there are none, the comment counts (a note in Resolve, a comment
    in FCP 7 XML), with one `name: value` a line.

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
                    f"Expected a mask, boxes, plates or an option, got {shown(given)}; leave it out, the "
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
    xml = marker.metadata.get("fcp_xml")
    comment = marker.comment or (xml.get("comment") if isinstance(xml, Mapping) else None) or ""
    lines = [line.partition(":") for line in str(comment).splitlines()]
    return {name: value.strip() for name, mark, value in lines if mark}


def _is_list(value: object) -> bool:
    """Tell apart lists, those of OpenTimelineIO included, which are no `list`."""
    return hasattr(value, "__iter__") and not isinstance(value, str | Mapping)
