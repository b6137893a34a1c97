"""The add-on in a real Blender without a screen: the module `bpy` in a Python of its own, LGTSM_BPY."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import tomllib

import lgtsm
from editors.blender.make_zip import ADD_ON, make_zip
from lgtsm.batch.description import BatchJob
from lgtsm.mask_options import TRACKED_GROW_PERCENT, MaskOptions
from lgtsm.masks.boxes import MaskBox
from lgtsm.options import InpaintOptions, VideoOptions
from tests.batch.conftest import RATE, SIZE, InProcess, assert_same_film, write_film, write_mask

ROOT = Path(__file__).resolve().parents[2]
SESSION = Path(__file__).with_name("session.py")
BPY = os.environ.get("LGTSM_BPY")
FIRST, TRIM, LENGTH = 10, 3, 9
"""As in the session."""
OPTIONS = InpaintOptions.of({"preset": "fast"}, mask=MaskOptions(grow=0))
TRACKED = replace(OPTIONS, mask=replace(OPTIONS.mask, grow_percent=TRACKED_GROW_PERCENT))
VIDEO = VideoOptions(start=TRIM, end=TRIM + LENGTH, lossless=True)

in_blender = pytest.mark.skipif(
    BPY is None, reason="needs LGTSM_BPY, a Python with the package bpy (see .ci/run)"
)
slow = pytest.mark.slow


@pytest.fixture
def folder(tmp_path):
    """Folder with the add-on, a film, a longer one, and a still mask."""
    make_zip(tmp_path / "add_on.zip")
    write_film(tmp_path / "film.mp4", 24, sound=True)
    write_film(tmp_path / "long.mp4", 160)
    write_mask(tmp_path / "mask.png")
    return tmp_path


@pytest.fixture
def session(folder):
    """session(action) -> what came of it."""
    command = folder / "lgtsm-command"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m lgtsm "$@"\n')
    command.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(action):
        ended = subprocess.run(
            [BPY, str(SESSION), str(folder), action],
            env=environment | {"LGTSM_COMMAND": str(command)},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        results = [x for x in ended.stdout.splitlines() if x.startswith("RESULT ")]
        assert results, ended.stdout + ended.stderr
        return json.loads(results[-1].removeprefix("RESULT "))

    return run


def _luma(path, first=0, end=None):
    with av.open(str(path)) as film:
        frames = [f.to_ndarray(format="yuv420p")[: SIZE[0]] for f in film.decode(video=0)]
    return np.stack(frames[first:end])


def _by_itself(folder, mask):
    """Return the film that a single run makes of the frames that the strip shows."""
    target = folder / "single.mkv"
    lgtsm.inpaint_video(folder / "film.mp4", mask, target, options=OPTIONS, video=VIDEO)
    return target


def _changed(folder, found):
    """Return where luma of the clean film differs from that of its source (T,H,W)."""
    clean = Path(found["strips"]["film clean"]["file"])
    assert clean.parent == folder / "lgtsm"
    return _luma(clean) != _luma(folder / "film.mp4", TRIM, TRIM + LENGTH)


def test_the_zip_file_holds_the_add_on_and_is_always_the_same(tmp_path):
    for name in ("a.zip", "b.zip"):
        make_zip(tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    manifest = tomllib.loads((ADD_ON / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert manifest["version"] == lgtsm.__version__


@in_blender
@slow
def test_blender_accepts_the_zip_file(folder):
    code = "import bpy; print(bpy.utils.system_resource('SCRIPTS'))"
    where = subprocess.run([BPY, "-c", code], capture_output=True, text=True, check=True)
    scripts = Path(where.stdout.strip().splitlines()[-1])
    tool = scripts / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    words = [BPY, "-s", str(tool), "validate", str(folder / "add_on.zip")]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "ERROR" not in ended.stdout


@in_blender
@slow
def test_the_clean_film_lies_above_its_strip_and_is_made_once(folder, session):
    found = session("still_mask")
    assert found["message"] == "Done."
    clean = found["strips"].pop("film clean")
    assert sorted(found["strips"]) == ["film", "mask"]
    path = clean.pop("file")
    assert clean == {"channel": 3, "start": FIRST + TRIM, "length": LENGTH, "scale": 0.5}
    done = [step[0] for step in found["shown"] if step[1] == LENGTH]
    assert done == sorted(done)
    assert len(done) > 2
    assert max(step[0] for step in found["again"]) == 0  # skipped
    assert_same_film(path, _by_itself(folder, folder / "mask.png"))


@in_blender
@slow
def test_a_mask_film_that_begins_later_stays_in_step(folder, session):
    with av.open(str(folder / "mask.mkv"), "w") as out:
        film = out.add_stream("ffv1", rate=RATE)
        film.height, film.width, film.pix_fmt = *SIZE, "gray"
        for t in range(LENGTH):
            mask = np.zeros(SIZE, np.uint8)
            mask[20:50, 10 + 8 * t : 34 + 8 * t] = 255
            frame = av.VideoFrame.from_ndarray(mask, format="gray")
            frame.pts, frame.time_base = t, Fraction(1, RATE)
            out.mux(film.encode(frame))
        out.mux(film.encode(None))
    found = session("moved_mask")
    boxes = [
        MaskBox(10 + 8 * t, 20, 24, 30, start=TRIM + t, end=TRIM + t + 1) for t in range(LENGTH)
    ]
    assert_same_film(found["strips"]["film clean"]["file"], _by_itself(folder, boxes))


@in_blender
@slow
def test_a_mask_drawn_in_blender_is_taken_where_it_is_drawn(folder, session):
    changed = _changed(folder, session("blender_mask"))
    half = SIZE[1] // 2
    assert changed[:, :, : half - 2].mean() > 0.3
    assert not changed[:, :, half + 2 :].any()


@in_blender
@slow
def test_an_object_erased_in_the_current_frame_is_tracked_and_removed(folder, session):
    found = session("painted")
    assert (found["frame"], found["opaque"], found["size"]) == (5, 1.0, [SIZE[1], SIZE[0]])
    assert "got frame 5" in found["twice"]
    painted = f"{folder / 'mask.png'}@5"  # the same, in white
    job = BatchJob(
        source=str(folder / "film.mp4"),
        track=(painted,),
        output="single.mkv",
        options=TRACKED,
        video=VIDEO,
    )
    lgtsm.run_batch([job], folder / "single", make=InProcess)
    assert_same_film(found["strips"]["film clean"]["file"], folder / "single" / "single.mkv")


@in_blender
@slow
def test_a_cancelled_job_lays_nothing_and_goes_on_later(folder, session):
    found = session("cancelled")
    assert found["first"] == "Cancelled; run it again to go on."
    assert found["names"] == ["film", "mask"]
    assert found["message"] == "Done."
    [report] = (folder / "lgtsm" / "report.jsonl").read_text().splitlines()
    assert json.loads(report)["report"]["resumed_from"] > 0
    assert found["strips"]["film clean"]["channel"] == 2  # the mask ends before


@in_blender
@slow
def test_mistakes_are_told_in_a_sentence_and_nothing_of_the_add_on_remains(session, one_sentence):
    found = session("mistakes")
    told = found["told"]
    assert found["message"].startswith("film_000003-000012.mkv: Expected ")
    shown = "".join(told.pop("panel")).replace(" ", "")  # in lines of the sidebar's width
    assert found["message"].replace(" ", "") in shown
    assert told.pop("left") is False
    assert sorted(told) == ["film", "folder", "frame", "mask", "program", "reverse"]
    for sentence in told.values():
        one_sentence(sentence)
