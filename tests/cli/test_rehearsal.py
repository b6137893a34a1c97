"""`--dry-run` looks at a few frames only, however large and long the job."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lgtsm.cli import rehearsal
from lgtsm.engine import run as engine


@pytest.fixture
def tried(monkeypatch):
    """Return the sizes of the frames that go through the engine, filled as it runs."""
    seen, check = [], engine.check_frame

    def record(frame, hole, index):
        seen.append(tuple(frame.shape[1:]))
        check(frame, hole, index)

    monkeypatch.setattr(engine, "check_frame", record)
    return seen


@pytest.fixture
def late_mask(tmp_path):
    """late_mask(first, num) -> folder of masks, empty before `first`."""

    def make(first, num=12, size=(48, 64)):
        folder = tmp_path / "late"
        folder.mkdir()
        for t in range(num):
            plane = np.zeros(size, np.uint8)
            plane[10:20, 10:30] = 255 * (t >= first)
            Image.fromarray(plane).save(folder / f"{t:03d}.png")
        return folder

    return make


@pytest.mark.slow
def test_the_trial_is_a_few_small_frames(lgtsm, make_film, make_mask, model, tried):
    film, mask = make_film(size=(360, 640)), make_mask(size=(360, 640))
    code, stdout, stderr = lgtsm("inpaint", film, "--mask", mask, "--model", model, "--dry-run")
    assert code == 0, stderr
    assert "12 of 640x360" in stdout
    assert "works at  640x360" in stdout
    assert tried == [(180, 320)] * 4


def test_the_trial_begins_at_the_first_hole(lgtsm, make_film, late_mask, monkeypatch):
    read, starts = rehearsal._read, []
    monkeypatch.setattr(
        rehearsal,
        "_read",
        lambda path, start, video: starts.append(start) or read(path, start, video),
    )
    call = ["inpaint", make_film(), "--mask", late_mask(5), "--mode", "copy", "--dry-run"]
    assert lgtsm(*call)[0] == 0
    assert lgtsm(*call, "--start", "7")[0] == 0
    assert lgtsm(*call, "--start", "11")[0] == 0
    assert starts == [5, 7, 11]


def test_masks_before_a_late_hole_are_not_all_decoded(
    lgtsm, make_film, late_mask, monkeypatch, tried
):
    monkeypatch.setattr(rehearsal, "_SEARCH_SECONDS", -1.0)
    call = ["inpaint", make_film(), "--mask", late_mask(5), "--mode", "copy", "--dry-run"]
    code, stdout, _ = lgtsm(*call)
    assert code == 0
    assert "of the picture" in stdout
    assert len(tried) == 4


@pytest.mark.parametrize("extra", [[], ["--end", "5"]])
def test_no_hole_in_the_range_is_told(lgtsm, make_film, late_mask, extra, tried):
    mask = late_mask(5 if extra else 99)
    call = ["inpaint", make_film(), "--mask", mask, "--mode", "copy", "--dry-run", *extra]
    code, stdout, _ = lgtsm(*call)
    assert code == 0
    assert "empty" in stdout
    assert tried == []


def test_boxes_are_tried_where_they_begin(lgtsm, make_film, tried):
    code, stdout, _ = lgtsm(
        "inpaint", make_film(), "--box", "4,4,20,20@6-9", "--mode", "copy", "--dry-run"
    )
    assert code == 0
    assert "one box" in stdout
    assert len(tried) == 4
