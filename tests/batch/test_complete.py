"""Films whose mask is completed with a shadow and a rim first: once, and never again for the same files."""

from __future__ import annotations

import json

import numpy as np
import pytest

import lgtsm
from lgtsm.batch import completed
from lgtsm.batch.manifest import state_folder
from lgtsm.batch.openjd import run_task, write_template
from lgtsm.batch.options import BatchOptions
from lgtsm.batch.table import JobListError
from lgtsm.cli.main import main
from lgtsm.engine.hooks import Hooks
from lgtsm.errors import OptionError
from lgtsm.masks.morph import grow
from lgtsm.scene.camera import SceneOptions
from lgtsm.scene.render import render_scene
from lgtsm.video.clip import write_clip, write_mask_clip
from lgtsm.video.image import write_picture
from lgtsm.video.read import read_masks
from tests.batch.conftest import FAST, FLAGS, InProcess, assert_same_film

COUNT, SIZE = 9, (72, 128)


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    """Return a folder: film.mp4, the mask of its vehicle alone, and the same painted in frame 5."""
    folder = tmp_path_factory.mktemp("shot")
    scene = render_scene(SceneOptions(num_frames=COUNT, height=SIZE[0], width=SIZE[1]))
    vehicle = scene.mask * (1 - grow(scene.shadow, 1))
    write_clip(folder / "film.mp4", scene.frames, rate=scene.rate, crf=4)
    write_mask_clip(folder / "mask.mkv", vehicle, SIZE, rate=scene.rate)
    write_picture(vehicle[5].expand(3, -1, -1), folder / "paint.png")
    return folder


def _table(shot, folder, columns="mask", row="mask.mkv"):
    path = shot / f"{folder.name}.csv"
    text = f"source,output,{columns}\nfilm.mp4,clean.mp4,{row}\n"
    path.write_text(text, encoding="utf-8")
    return path


def _batch(table, folder, *, complete=None, **named):
    defaults = FAST | named.pop("defaults", {}) | ({"complete": complete} if complete else {})
    return lgtsm.run_batch(table, folder / "out", defaults=defaults, make=InProcess, **named)


def _masks(folder):
    return sorted(state_folder(folder / "out").glob("completed/**/mask.mkv"))


def _inpaint(shot, target, *more):
    argv = ["inpaint", str(shot / "film.mp4"), "--grow", "0", "--quiet", *FLAGS, *more]
    assert main([*argv, "--complete", "shadow,rim", "-o", str(target)]) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("columns", "row"),
    [
        ("mask,complete", 'mask.mkv,"shadow,rim"'),
        ("track,complete", "paint.png@5,rim;shadow"),
        ("mask,range,complete,temporal_grow", "mask.mkv,4-9,shadow rim,1"),
    ],
    ids=["given", "tracked", "range"],
)
def test_a_film_equals_that_of_the_command(shot, tmp_path, columns, row):
    (entry,) = _batch(_table(shot, tmp_path, columns, row), tmp_path).entries
    assert entry.state == "done", entry.error
    more = ["--start", "4", "--end", "9", "--temporal-grow", "1"] if "range" in columns else []
    hole = ["--track", f"{shot / 'paint.png'}@5"] if "track" in columns else []
    hole = hole or ["--mask", str(shot / "mask.mkv")]
    _inpaint(shot, tmp_path / "single.mp4", *hole, *more)
    assert_same_film(tmp_path / "out" / "clean.mp4", tmp_path / "single.mp4")
    assert entry.report["added"].keys() == {"shadow", "rim", "perhaps"}
    assert entry.report["added"]["shadow"] > 0.005
    assert any("reaches outside the mask: shadow" in note for note in entry.report["notes"])


@pytest.mark.slow
def test_a_farm_gets_the_completed_mask_before_the_parts(shot, tmp_path):
    table, out = _table(shot, tmp_path, "mask,cuts", 'mask.mkv,"6"'), tmp_path / "out"
    plan = write_template(
        table,
        out,
        tmp_path / "farm.yaml",
        defaults=FAST | {"complete": "shadow,rim"},
        options=BatchOptions(split=4),
    )
    assert (plan.num_fills, plan.num_joins) == (2, 1)
    assert len(_masks(tmp_path)) == 1
    for number in (1, 2, 3):
        assert run_task(plan.tasks, number, out, Hooks()).state.value == "done"
    mask = str(shot / "mask.mkv")
    _inpaint(shot, tmp_path / "single.mp4", "--mask", mask, "--cuts", "6")
    assert_same_film(out / "clean.mp4", tmp_path / "single.mp4")


@pytest.mark.slow
def test_a_mask_is_completed_again_only_where_something_changed(shot, tmp_path, monkeypatch):
    table = _table(shot, tmp_path)
    _batch(table, tmp_path, complete="shadow")
    (before,) = _masks(tmp_path)
    complete = completed.complete_file
    monkeypatch.setattr(completed, "complete_file", lambda *_, **__: pytest.fail("done again"))
    assert [e.state for e in _batch(table, tmp_path, complete="shadow").entries] == ["skipped"]
    grown = _batch(table, tmp_path, complete="shadow", defaults={"grow": 2})
    assert [e.state for e in grown.entries] == ["done"]
    monkeypatch.setattr(completed, "complete_file", complete)
    assert [e.state for e in _batch(table, tmp_path, complete="rim").entries] == ["done"]
    (after,) = _masks(tmp_path)
    assert after != before


@pytest.mark.slow
def test_a_mask_that_is_read_inverted_is_completed_and_written_upright(shot, tmp_path):
    black = tmp_path / "black.mkv"
    write_mask_clip(black, (1 - mask for mask in read_masks(shot / "mask.mkv")), SIZE, rate=24)
    row = f"{black},true,clean.mkv"
    found = []
    for name, text in (("a", "mask.mkv,false,used.mkv"), ("b", row.replace("clean", "used"))):
        folder = tmp_path / name
        table = _table(shot, folder, "mask,invert,mask_used", text)
        (entry,) = _batch(table, folder, complete="shadow").entries
        assert entry.state == "done", entry.error
        found.append(np.stack(list(read_masks(folder / "out" / "used.mkv"))))
    assert np.array_equal(*found)
    assert 0 < found[0].mean() < 0.5


def test_none_in_a_row_overrules_the_command(shot, tmp_path):
    table = _table(shot, tmp_path, "mask,complete", "mask.mkv,none")
    (entry,) = _batch(table, tmp_path, complete="shadow").entries
    assert "added" not in entry.report
    assert _masks(tmp_path) == []


def test_the_column_is_an_option_of_the_command(shot, tmp_path):
    argv = ["batch", str(_table(shot, tmp_path)), "-o", str(tmp_path / "out"), "--quiet", *FLAGS]
    assert main([*argv, "--complete", "shadow"]) == 0
    (line,) = (tmp_path / "out" / "report.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["report"]["added"].keys() == {"shadow", "perhaps"}


def test_a_word_that_is_not_known_is_told_before_anything_runs(shot, tmp_path, one_sentence):
    with pytest.raises(JobListError) as error:
        _batch(_table(shot, tmp_path, "mask,complete", "mask.mkv,reflection"), tmp_path)
    (problem,) = error.value.problems
    assert "Expected shadow, rim or shadow,rim to complete a mask with" in problem
    one_sentence(OptionError(problem.partition(": ")[2]))
