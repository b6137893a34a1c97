"""Columns of a job list: files, names of results, and every option of `lgtsm inpaint` by its name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

from ..completion.kinds import parse_additions
from ..errors import OptionError, shown
from ..film_names import written_name
from ..knobs import Knob, knobs
from ..mask_options import MaskOptions, default_grow_percent
from ..masks.boxes import MaskBox
from ..neighbour_options import NeighbourOptions
from ..options import InpaintOptions, RunOptions, VideoOptions
from ..prompt_names import painted_file
from ..track_options import TrackOptions
from .description import OPTION_CLASSES, BatchJob

FILES = ("source", "mask", "track", "plate")
"""Columns with files, relative to the folder of the list."""
RESULTS = ("output", "fill_layer", "mask_used", "compare")
"""Columns with names within the folder of results."""
LISTS = ("box", "track", "complete", "plate")
"""Columns that take several values: a list in JSON, separated by ; in a table."""
OPTIONS: Mapping[str, Knob] = {
    name: knob
    for options in OPTION_CLASSES
    for name, knob in knobs(options).items()
    if name != "resume"
}
_HOLES = ("mask", "box", "track")
COLUMNS = (*FILES, "box", "complete", "range", *RESULTS, "model", *OPTIONS)

_MODELS = (
    "synthesiser",
    "aligner_model",
    "carrier_model",
    "tracker_model",
)  # options that may be files
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")
_RANGE = re.compile(r"(\d{1,9})?-(\d{1,9})?")
_URL = re.compile(r"[a-z][a-z0-9+]+://", re.IGNORECASE)


def column_name(given: str) -> str:
    """Return a column as the table spells it: fill-layer and `Fill Layer` are fill_layer.

    Raises:
        OptionError: there is no such column.
    """
    name = re.sub(r"[\s-]+", "_", given.strip().lower())
    if name in COLUMNS:
        return name
    near = difflib.get_close_matches(name, COLUMNS, 1)
    advice = f"did you mean {near[0]}?" if near else "see `lgtsm batch --help`"
    raise OptionError(f"Expected a known column, got {shown(given)}; {advice}.")


def read_job(
    given: Mapping[str, object], base: Path, defaults: Mapping[str, object]
) -> tuple[BatchJob | None, list[str]]:
    """Read one row of a list.

    Args:
        given: values by column, as text or as JSON values; empty ones count as not given.
        base: folder that relative files start from.
        defaults: values of the columns that are not given, with files as they are.

    Returns:
        The job, and every mistake found, each in one sentence; None where there is a mistake.
    """
    problems: list[str] = []

    def tried(read: Any, *arguments: Any) -> Any:
        try:
            return read(*arguments)
        except OptionError as error:
            problems.append(str(error))
            return None

    row = {name: value for name, value in given.items() if not _is_empty(value)}
    for name in FILES:
        if name in row:
            row[name] = [_placed(name, text, base) for text in _texts(name, row[name])]
    if "range" in row:
        row |= tried(_range, row) or {}
    values = _completed(row, defaults)
    for name in OPTIONS:
        if name in values:
            values[name] = tried(_value, name, OPTIONS[name], values[name], base)
    boxes = [tried(MaskBox.parse, text) and text for text in _texts("box", values.get("box"))]
    masks, sources = _texts("mask", values.get("mask")), _texts("source", values.get("source"))
    if len(sources) != 1:
        problems.append("Expected a source, found none; name a film or a folder of images.")
    track = _texts("track", values.get("track"))
    if len(masks) > 1 or [bool(masks), bool(boxes), bool(track)].count(True) != 1:
        problems.append(
            "Expected one of mask, box and track, got none or several; give one of them."
        )
    complete = tried(_additions, _texts("complete", values.get("complete")))
    names = {name: tried(_result, name, values.get(name)) for name in RESULTS}
    plain = {name: value for name, value in values.items() if value is not None}
    classes = {"mask": MaskOptions, "run": RunOptions, "neighbours": NeighbourOptions}
    parts = {part: tried(options.of, plain) or options() for part, options in classes.items()}
    video = tried(VideoOptions.of, plain)
    tracking = tried(TrackOptions.of, plain)
    options = tried(lambda: InpaintOptions.of(plain, **parts))
    if problems:
        return None, problems
    names["output"] = names["output"] or written_name(Path(sources[0]), lossless=video.lossless)
    model = values.get("model")
    job = BatchJob(
        source=sources[0],
        mask=masks[0] if masks else None,
        boxes=tuple(boxes),
        track=tuple(track),
        complete=complete,
        tracking=tracking,
        **names,
        model=None if model is None else str(model),
        plates=tuple(_texts("plate", values.get("plate"))),
        options=options,
        video=video,
    )
    return job, []


def _completed(row: Mapping[str, object], defaults: Mapping[str, object]) -> dict[str, object]:
    """Return the values of a row with those that it does not give."""
    values = dict(defaults)
    if any(name in row for name in _HOLES):  # one of its own
        values = {name: v for name, v in values.items() if name not in _HOLES}
    values |= row
    values.setdefault("grow_percent", default_grow_percent(is_tracked=bool(values.get("track"))))
    return values


def is_url(text: str) -> bool:
    """Tell whether a source lies elsewhere, such as s3://bucket/film.mp4."""
    return _URL.match(text) is not None


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _texts(name: str, value: object) -> list[str]:
    """Return the values of a column as a list of texts."""
    if value is None:
        return []
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    parts = str(value).split(";") if name in LISTS else [str(value)]
    return [part.strip() for part in parts if part.strip()]


def _placed(name: str, text: str, base: Path) -> str:
    """Return a file as the list names it, from its folder; a box or a point is none."""
    if is_url(text):
        return text
    with suppress(OptionError):  # told when the file is looked for
        if name == "track" and painted_file(text) is None:
            return text
    return str(base / text)


def _additions(words: list[str]) -> tuple[str, ...]:
    """Read what a mask is completed with, such as shadow,rim; `none` is nothing."""
    if words in ([], ["none"]):
        return ()
    return tuple(kind.value for kind in parse_additions(" ".join(words)))


def _range(row: dict[str, object]) -> dict[str, object]:
    """Read A-B, B not included, as start and end; either may be left out."""
    match = _RANGE.fullmatch(str(row.pop("range")).replace(" ", ""))
    if match is None or "start" in row or "end" in row:
        raise OptionError(
            "Expected a range as FIRST-END in frames, or start and end, got another form or both; "
            "write 120-360, the end is not included."
        )
    return {n: v for n, v in zip(("start", "end"), match.groups(), strict=True) if v is not None}


def _result(name: str, value: object) -> str | None:
    """Check the name of a result: within the folder, whatever the system."""
    if _is_empty(value):
        return None
    path = PurePosixPath(str(value).strip().replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or path.name in ("", "."):
        raise OptionError(
            f"Expected {name} as a name within the folder of results, got {shown(value)}; leave out "
            "drives, leading slashes and dots."
        )
    return str(path)


def _value(name: str, knob: Knob, given: object, base: Path) -> object:
    """Read the value of an option; what it may be is checked by its class."""
    text = str(given).strip()
    if given is None or issubclass(knob.kind, Enum):
        return given if given is None or isinstance(given, Enum) else text
    try:
        if knob.kind is bool:
            return _word(text)
        if knob.kind is tuple:
            return _numbers(given)
        if knob.kind in (int, float, Fraction):
            return knob.kind(text)
    except (ValueError, ZeroDivisionError) as error:
        raise OptionError(
            f"Expected {name} as {_FORMS[knob.kind]}, got {shown(given)}; correct it."
        ) from error
    file = base / text
    return str(file) if name in _MODELS and file.exists() else text


_FORMS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    Fraction: "a number such as 25 or 24000/1001",
    tuple: "frame numbers such as 12,40, or none",
}


def _word(text: str) -> bool:
    if text.lower() not in _YES + _NO:
        raise ValueError(text)
    return text.lower() in _YES


def _numbers(given: object) -> tuple[int, ...]:
    if isinstance(given, list | tuple):
        return tuple(int(str(one)) for one in given)
    text = str(given).strip()
    if text.lower() == "none":
        return ()
    return tuple(int(part) for part in re.split(r"[,\s]+", text))
