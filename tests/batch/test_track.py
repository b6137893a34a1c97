"""Films whose mask is tracked from painted frames first: once, and never again for the same pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import lgtsm
from lgtsm.batch import tracked
from lgtsm.batch.manifest import state_folder
from lgtsm.batch.openjd import run_task, write_template
from lgtsm.batch.options import BatchOptions
from lgtsm.batch.table import JobListError
from lgtsm.cli.main import main
from lgtsm.engine.hooks import Hooks
from lgtsm.errors import Cancelled, OptionError
from lgtsm.mask_options import TRACKED_GROW_PERCENT, MaskOptions
from lgtsm.options import VideoOptions
from lgtsm.prompt_names import painted_prompts
from lgtsm.video.read import read_masks
from tests.batch.conftest import (
    FAST,
    FLAGS,
    OPTIONS,
    InProcess,
    assert_same_film,
    write_film,
    write_mask,
)

_TEMPORAL = 2


@pytest.fixture
def film(tmp_path):
    """Return a film of two shots; the object is painted in frames 1 and 9, which paint.png shows."""
    write_mask(tmp_path / "paint.png")
    return write_film(tmp_path / "film.mp4", 14, shot=7)


def _table(folder, row="film.mp4,paint.png@1;paint.png@9,,clean.mp4", name="jobs.csv"):
    path = folder / name
    path.write_text(f"source,track,range,output\n{row}\n", encoding="utf-8")
    return path


def _batch(folder, table=None, **named):
    defaults = FAST | named.pop("defaults", {})
    table = table or _table(folder)
    return lgtsm.run_batch(table, folder / "out", defaults=defaults, make=InProcess, **named)


def _masks(folder):
    return sorted(state_folder(folder / "out").glob("tracked/**/mask.mkv"))


def _track_then_inpaint(film, target, **video):
    """Do what two commands do; return the mask between them."""
    prompts = painted_prompts([f"{film.with_name('paint.png')}@{number}" for number in (1, 9)])
    mask = film.with_name("whole.mkv")
    lgtsm.track_file(film, prompts, mask)
    temporal = _TEMPORAL if video else 0
    grow = MaskOptions(temporal_grow=temporal, grow_percent=TRACKED_GROW_PERCENT)
    options = replace(OPTIONS, mask=grow)
    lgtsm.inpaint_video(film, mask, target, options=options, video=VideoOptions(**video))
    return mask


@pytest.mark.slow
@pytest.mark.parametrize("split", [0, 4], ids=["whole", "in parts"])
def test_a_tracked_film_equals_that_of_the_two_commands(film, tmp_path, split):
    (entry,) = _batch(tmp_path, options=BatchOptions(split=split)).entries
    assert entry.state == "done", entry.error
    mask = _track_then_inpaint(film, tmp_path / "single.mp4")
    assert_same_film(tmp_path / "out" / "clean.mp4", tmp_path / "single.mp4")
    (kept,) = _masks(tmp_path)
    assert all(map(np.array_equal, read_masks(kept), read_masks(mask)))
    assert sum(bool(mask.any()) for mask in read_masks(kept)) > 8
    assert entry.report["shots"] == [0, 7]


@pytest.mark.slow
def test_boxes_and_points_are_tracked_as_by_the_command(film, tmp_path):
    table = _table(tmp_path, 'film.mp4,"40,32,36,28@1; 58,46@9;50,40@9",,clean.mp4')
    _batch(tmp_path, table)
    words = ["track", film, "--box", "40,32,36,28@1", "--point", "58,46@9", "--point", "50,40@9"]
    assert main([*map(str, words), "-o", str(tmp_path / "by_command.mkv"), "--quiet"]) == 0
    (mask,) = _masks(tmp_path)
    ours, theirs = (
        np.stack(list(read_masks(path))) for path in (mask, tmp_path / "by_command.mkv")
    )
    assert np.array_equal(ours, theirs)
    assert 0 < ours.mean() < 0.5
    assert _batch(tmp_path, table).entries[0].state == "skipped"
    moved = _table(tmp_path, 'film.mp4,"41,32,36,28@1; 58,46@9;50,40@9",,clean.mp4')
    assert _batch(tmp_path, moved).entries[0].state == "done"


@pytest.mark.slow
def test_only_the_range_and_the_painted_frames_are_tracked(film, tmp_path):
    row = "film.mp4,paint.png@1;paint.png@9,2-5,clean.mp4"
    grown = {"temporal_grow": _TEMPORAL}
    (entry,) = _batch(tmp_path, _table(tmp_path, row), defaults=grown).entries
    assert entry.state == "done", entry.error
    mask = _track_then_inpaint(film, tmp_path / "single.mp4", start=2, end=5)
    assert_same_film(tmp_path / "out" / "clean.mp4", tmp_path / "single.mp4")
    (kept,) = _masks(tmp_path)
    found, whole = list(read_masks(kept)), list(read_masks(mask))
    assert len(found) == len(whole) == 14
    assert all(map(np.array_equal, found[:9], whole[:9]))
    assert not any(mask.any() for mask in found[10:])
    assert any(mask.any() for mask in whole[10:])
    one = tmp_path / "one.mp4"
    argv = ["inpaint", str(film), "-o", str(one), "--start", "2", "--end", "5", "--quiet", *FLAGS]
    argv += ["--temporal-grow", str(_TEMPORAL)]
    paint = tmp_path / "paint.png"
    assert main([*argv, "--grow", "0", "--track", f"{paint}@1", "--track", f"{paint}@9"]) == 0
    assert_same_film(one, tmp_path / "single.mp4")


@pytest.mark.slow
def test_the_same_pictures_are_not_tracked_again(film, tmp_path, monkeypatch):
    _batch(tmp_path)
    (before,) = _masks(tmp_path)
    monkeypatch.setattr(tracked, "track_for_job", lambda *_, **__: pytest.fail("tracked again"))
    assert [e.state for e in _batch(tmp_path).entries] == ["skipped"]
    assert [e.state for e in _batch(tmp_path, defaults={"grow": 2}).entries] == ["done"]
    monkeypatch.undo()
    picture = tmp_path / "paint.png"
    Image.fromarray(np.roll(np.asarray(Image.open(picture)), 8, 1)).save(picture)
    assert [e.state for e in _batch(tmp_path, defaults={"grow": 2}).entries] == ["done"]
    (after,) = _masks(tmp_path)
    assert after != before


def test_an_interrupted_job_keeps_its_mask_and_what_was_tracked(film, tmp_path, monkeypatch):
    stretches = state_folder(tmp_path / "out") / "tracked" / "clean.mp4" / "stretches"
    walk = tracked.track_for_job

    def stopping(*arguments, hooks, **named):
        def stop():
            return len(list(stretches.iterdir())) == 2

        return walk(*arguments, hooks=Hooks(hooks.progress, stop), **named)

    monkeypatch.setattr(tracked, "track_for_job", stopping)
    with pytest.raises(Cancelled):
        _batch(tmp_path)
    assert _masks(tmp_path) == []
    assert len(list(stretches.iterdir())) == 2
    monkeypatch.setattr(tracked, "track_for_job", walk)
    monkeypatch.setattr(
        "lgtsm.job.FileJob.run", lambda *_: (_ for _ in ()).throw(OptionError("stopped"))
    )
    assert [e.error for e in _batch(tmp_path).entries] == ["stopped"]
    (mask,) = _masks(tmp_path)
    monkeypatch.undo()
    made = mask.stat().st_mtime_ns
    assert [e.state for e in _batch(tmp_path).entries] == ["done"]
    assert mask.stat().st_mtime_ns == made


def test_the_report_says_which_frames_to_paint(film, tmp_path, monkeypatch):
    monkeypatch.setattr("lgtsm.tracking.repaint.ENOUGH", 1.01)
    (entry,) = _batch(tmp_path, _table(tmp_path, "film.mp4,paint.png@1,,a.mp4")).entries
    notes = " ".join(entry.report["notes"])
    assert "the mask is doubtful around frame" in notes
    assert "no frame is painted between the cuts at 7 and 14" in notes


def test_what_cannot_be_tracked_is_told_before_anything_runs(film, tmp_path, one_sentence):
    Image.new("L", (128, 96), 255).save(tmp_path / "full.png")
    (tmp_path / "text.png").write_text("no picture")
    wrong = {
        "lost.png@0": "found no file",
        "paint.png": "add @ and the number of the frame",
    }
    later = {
        "paint.png@14": "got one on frame 14",
        "text.png@0": "cannot be read",
        "full.png@0": "covers 100% of the picture",
        "paint.png@3;paint.png@3": "got two on frame 3",
        '"5,5@3;5,5@14"': "got one on frame 14",
        '"5,5,9,9@3;6,6@3"': "got two on frame 3",
        '"200,5@3"': "Expected points inside 128x96",
        '"5,5,0,9@3"': "Expected a box of 1 or more pixels",
    }
    for group in (wrong, later):
        rows = [f"film.mp4,{track},,{n}.mp4" for n, track in enumerate(group)]
        with pytest.raises(JobListError) as error:
            _batch(tmp_path, _table(tmp_path, "\n".join(rows)))
        assert len(error.value.problems) == len(group)
        for problem, words in zip(error.value.problems, group.values(), strict=True):
            assert words in problem
            one_sentence(OptionError(problem.partition(": ")[2]))
    assert list((tmp_path / "out").glob("*.mp4")) == []


def test_a_tracker_without_weights_is_told_before_anything_runs(film, tmp_path, one_sentence):
    pytest.importorskip("transformers", reason="needs transformers")
    table = tmp_path / "jobs.jsonl"
    row = '{"source": "film.mp4", "track": ["paint.png@1"], "tracker": "sam2", '
    table.write_text(row + '"tracker_model": "lost"}\n', encoding="utf-8")
    with pytest.raises(JobListError) as error:
        _batch(tmp_path, table)
    (problem,) = error.value.problems
    assert "weights of sam2, got 'lost'" in problem
    one_sentence(OptionError(problem.partition(": ")[2]))


def test_a_mask_and_painted_frames_together_are_refused(film, tmp_path):
    table = tmp_path / "both.jsonl"
    table.write_text('{"source": "film.mp4", "mask": "paint.png", "track": ["paint.png@1"]}\n')
    with pytest.raises(JobListError, match="one of mask, box and track"):
        _batch(tmp_path, table)
    table.write_text('{"source": "film.mp4", "track": ["clean.mkv@1"], "output": "clean.mkv"}\n')
    write_mask(tmp_path / "paint.png").rename(tmp_path / "clean.mkv")
    with pytest.raises(JobListError, match=r"painted frame, got clean\.mkv"):
        lgtsm.run_batch(table, tmp_path, defaults=FAST, make=InProcess)


@pytest.mark.slow
def test_a_farm_gets_the_mask_before_the_parts(film, tmp_path):
    out = tmp_path / "out"
    plan = write_template(
        _table(tmp_path),
        out,
        tmp_path / "farm.yaml",
        defaults=FAST,
        options=BatchOptions(split=4),
    )
    assert (plan.num_fills, plan.num_joins) == (2, 1)
    assert len(_masks(tmp_path)) == 1
    for number in (2, 1, 3):
        assert run_task(plan.tasks, number, out, Hooks()).state.value == "done"
    _track_then_inpaint(film, tmp_path / "single.mp4")
    assert_same_film(out / "clean.mp4", tmp_path / "single.mp4")
