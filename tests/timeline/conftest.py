"""Tiny edits of tiny films, and the clean timelines made of them in this process."""

from __future__ import annotations

import shutil

import pytest

pytest.importorskip("opentimelineio", reason="needs opentimelineio")

import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange

from lgtsm.timeline.call import clean_timeline
from tests.batch.conftest import FAST, RATE, InProcess, write_film, write_mask


def times(start, length, rate=RATE):
    return TimeRange(RationalTime(start, rate), RationalTime(length, rate))


def clip(path, start, length, *, marker=None, begin=0, total=30, rate=RATE):
    """Return a clip; its marker's metadata are given as a dictionary."""
    reference = otio.schema.ExternalReference(
        target_url=path if isinstance(path, str) else path.as_uri(),
        available_range=times(begin, total, rate),
    )
    made = otio.schema.Clip(
        name=str(path).rsplit("/")[-1].split(".")[0],
        media_reference=reference,
        source_range=times(begin + start, length, rate),
    )
    if marker is not None:
        made.markers.append(marked(**marker))
    return made


def marked(**values):
    return otio.schema.Marker(
        name="lgtsm", marked_range=times(0, 1), metadata={"lgtsm": values} if values else {}
    )


def dissolve(before=2, after=3):
    return otio.schema.Transition(
        name="dissolve",
        transition_type=otio.schema.TransitionTypes.SMPTE_Dissolve,
        in_offset=RationalTime(before, RATE),
        out_offset=RationalTime(after, RATE),
    )


@pytest.fixture(scope="session")
def _made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    for seed, name in enumerate("ab"):
        write_film(folder / f"{name}.mp4", 30, seed=seed)
    write_mask(folder / "mask.png")
    return folder


@pytest.fixture
def films(_made, tmp_path):
    """Folder with the films a.mp4 and b.mp4 of 30 frames and mask.png."""
    return shutil.copytree(_made, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def save(tmp_path):
    """save(items, ...) -> path of an edit with a video track of each list of items, the lowest first."""

    def write(*tracks, name="edit.otio"):
        edit = otio.schema.Timeline("edit")
        for number, items in enumerate(tracks, 1):
            edit.tracks.append(otio.schema.Track(f"V{number}", items, kind="Video"))
        otio.adapters.write_to_file(edit, str(tmp_path / name))
        return tmp_path / name

    return write


@pytest.fixture
def clean(tmp_path, monkeypatch):
    """clean(edit, **options) -> (result, timeline as it was written, None where it was not)."""
    from lgtsm.timeline.options import TimelineOptions

    monkeypatch.setattr("lgtsm.batch.run.WorkerPool", lambda number, retries: InProcess())

    def run(edit, *, defaults=None, target=None, **options):
        target = target or tmp_path / "clean.otio"
        result = clean_timeline(
            edit, target, defaults=FAST | (defaults or {}), options=TimelineOptions(**options)
        )
        read = otio.adapters.read_from_file(str(target)) if target.exists() else None
        return result, read

    return run
