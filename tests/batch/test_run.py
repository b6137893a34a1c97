"""A batch skips what is done, does anew what changed, and survives whatever is killed."""

import json
import os
import threading
from dataclasses import replace

import pytest
import torch

import lgtsm
from lgtsm.batch.job_list import read_jobs
from lgtsm.batch.manifest import load_manifest, save_manifest, state_folder
from lgtsm.batch.options import BatchOptions
from lgtsm.batch.run import REPORT
from lgtsm.batch.table import JobListError
from lgtsm.batch.tasks import Kind, State, Task, perform
from lgtsm.batch.worker_start import worker_context
from lgtsm.engine.hooks import Hooks
from lgtsm.errors import Cancelled, VideoError
from lgtsm.journal import journal_folder
from lgtsm.mask_options import MaskOptions
from lgtsm.masks.boxes import MaskBox
from lgtsm.options import InpaintOptions, RunOptions, VideoOptions
from lgtsm.plate_names import parse_plates
from lgtsm.video.image import write_picture
from tests.batch.conftest import (
    FAST,
    OPTIONS,
    SIZE,
    InProcess,
    assert_same_film,
    write_film,
    write_mask,
)


def run_batch(*arguments, **named):
    """Run a batch in this process, unless it has several workers."""
    options = named.get("options")
    if options is None or options.workers == 1:
        named["make"] = InProcess
    return lgtsm.run_batch(*arguments, **named)


def _single(source, mask, target, **video):
    """Do one film by itself."""
    lgtsm.inpaint_video(source, mask, target, options=OPTIONS, video=VideoOptions(**video))


def _states(result):
    return [entry.state for entry in result.entries]


def _lines(folder):
    return [json.loads(line) for line in (folder / REPORT).read_text().splitlines()]


def test_films_of_a_batch_equal_single_ones_and_are_not_done_twice(shots, tmp_path):
    sources, out = shots(3), tmp_path / "out"
    result = run_batch(sources, out, defaults=FAST)
    assert _states(result) == ["done"] * 3
    _single(sources / "shot01.mp4", sources / "shot01_mask.png", tmp_path / "single.mp4")
    assert_same_film(out / "shot01.mp4", tmp_path / "single.mp4")
    assert {line["output"] for line in _lines(out)} == {f"shot0{i}.mp4" for i in range(3)}
    assert all(line["report"]["frames"] == 8 for line in _lines(out))
    before = {p.name: p.stat().st_mtime_ns for p in out.glob("*.mp4")}
    assert _states(run_batch(sources, out, defaults=FAST)) == ["skipped"] * 3
    assert {p.name: p.stat().st_mtime_ns for p in out.glob("*.mp4")} == before
    assert all(line["report"]["frames"] == 8 for line in _lines(out))


@pytest.mark.slow
def test_what_changed_is_done_anew_and_what_was_only_touched_is_not(shots, tmp_path):
    sources, out = shots(4), tmp_path / "out"
    run_batch(sources, out, defaults=FAST)
    write_film(sources / "shot00.mp4", 9, seed=7)
    os.utime(sources / "shot01.mp4", (1, 1))
    (out / "shot02.mp4").unlink()
    states = _states(run_batch(sources, out, defaults=FAST))
    assert states == ["done", "skipped", "done", "skipped"]
    assert _states(run_batch(sources, out, defaults=FAST | {"grow": 3})) == ["done"] * 4
    threads = FAST | {"grow": 3, "threads": 2}
    assert _states(run_batch(sources, out, defaults=threads)) == ["skipped"] * 4


@pytest.mark.parametrize(
    ("platform", "method"), [("linux", "forkserver"), ("darwin", "spawn"), ("win32", "spawn")]
)
def test_workers_are_never_copies_of_the_calling_process(platform, method, monkeypatch):
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr("multiprocessing.forkserver.ensure_running", lambda: None)
    assert worker_context().get_start_method() == method


def test_one_film_that_fails_stops_no_other(shots, tmp_path):
    sources, out = shots(3), tmp_path / "out"
    (sources / "shot01.mp4").unlink()
    film = write_film(sources / "shot01.mkv", 30)
    film.write_bytes(film.read_bytes()[: film.stat().st_size * 2 // 3])
    result = run_batch(sources, out, defaults=FAST | {"strict": True})
    assert _states(result) == ["done", "failed", "done"]
    assert result.entries[1].error.startswith("Expected ")
    assert not (out / "shot01.mkv").exists()


def test_files_that_cannot_be_used_are_all_told_before_anything_runs(shots, tmp_path):
    sources, out = shots(3), tmp_path / "out"
    (sources / "shot00.mp4").write_bytes(b"no film")
    write_film(sources / "shot01_mask.mp4", 5)
    (sources / "shot01_mask.png").unlink()
    with pytest.raises(JobListError) as error:
        run_batch(sources, out, defaults=FAST)
    assert [p.split(":")[0] for p in error.value.problems] == ["shot00.mp4", "shot01.mp4"]
    assert list(out.glob("*.mp4")) == []


def test_a_file_that_no_batch_made_is_not_replaced(shots, tmp_path):
    sources, out = shots(1), tmp_path / "out"
    out.mkdir()
    (out / "shot00.mp4").write_bytes(b"precious")
    with pytest.raises(JobListError, match="overwrite"):
        run_batch(sources, out, defaults=FAST)
    assert (out / "shot00.mp4").read_bytes() == b"precious"
    result = run_batch(sources, out, defaults=FAST, options=BatchOptions(overwrite=True))
    assert _states(result) == ["done"]


def test_two_batches_never_fill_one_folder(shots, tmp_path):
    sources, out = shots(1), tmp_path / "out"
    refused = []

    def progress(*_):
        with pytest.raises(VideoError, match="one batch at a time") as error:
            run_batch(sources, out, defaults=FAST)
        refused.append(error.value)

    run_batch(sources, out, defaults=FAST, progress=progress)
    assert refused


def test_a_cancelled_batch_goes_on_later(shots, tmp_path):
    sources, out = shots(3), tmp_path / "out"
    with pytest.raises(Cancelled):
        run_batch(sources, out, defaults=FAST, cancel=(out / "shot00.mp4").exists)
    states = _states(run_batch(sources, out, defaults=FAST))
    assert states[0] == "skipped"
    assert states[2] == "done"


@pytest.mark.slow
@pytest.mark.parametrize(("shot", "workers"), [(18, 1), (30, 2), (None, 1)])
def test_a_film_done_in_parts_equals_the_one_that_was_not_split(shot, workers, tmp_path):
    film = write_film(tmp_path / "film.mp4", 70, shot=shot, sound=True)
    mask, out = write_mask(tmp_path / "mask.png"), tmp_path / "out"
    table = tmp_path / "jobs.csv"
    table.write_text(
        "source,mask,range,fill_layer,mask_used\nfilm.mp4,mask.png,7-,fill.mov,used.mkv\n"
    )
    options = BatchOptions(workers=workers, split=24)
    result = run_batch(table, out, defaults=FAST, options=options)
    _single(film, mask, tmp_path / "single.mp4", start=7)
    assert_same_film(out / "film.mp4", tmp_path / "single.mp4")
    report = result.entries[0].report
    assert report["frames"] == 63
    assert report["shots"] == ([7] if shot is None else [7, *range(shot, 70, shot)])
    assert list((state_folder(out) / "parts").glob("**/*.safetensors")) == []
    assert _states(run_batch(table, out, defaults=FAST, options=options)) == ["skipped"]


@pytest.mark.slow
def test_parts_equal_the_whole_film_with_all_that_fills_and_plates_of_some_frames(tmp_path):
    film = write_film(tmp_path / "film.mp4", 28, shot=12)
    mask, out = write_mask(tmp_path / "mask.png"), tmp_path / "out"
    plates = []
    for number in (4, 15):
        plates.append(f"{tmp_path / str(number)}.png@{number}")
        write_picture(torch.rand(3, *SIZE), tmp_path / f"{number}.png")
    options = InpaintOptions(
        reach=6,
        source_frames=2,
        mask=MaskOptions(grow=2, temporal_grow=2),
        run=RunOptions(threads=1, device="cpu"),
    )
    job = lgtsm.BatchJob(
        source=str(film), mask=str(mask), output="a.mp4", plates=tuple(plates), options=options
    )
    result = run_batch([job], out, options=BatchOptions(split=8))
    assert result.entries[0].report["shots"] == [0, 12, 24]
    single = tmp_path / "single.mp4"
    lgtsm.inpaint_video(film, mask, single, options=options, plates=parse_plates(plates))
    assert_same_film(out / "a.mp4", single)


@pytest.mark.slow
def test_parts_that_are_done_are_not_done_again(tmp_path, monkeypatch):
    film = write_film(tmp_path / "film.mp4", 60, shot=20)
    out = tmp_path / "out"
    out.mkdir()
    job = lgtsm.BatchJob(
        source=str(film),
        boxes=("40,32,36,28",),
        output="film.mp4",
        options=OPTIONS,
    )
    state_folder(out).mkdir()
    task = Task(job=job, folder=str(out), split=16)
    plan = perform(task, Hooks())
    assert plan.spans == ((0, 20), (20, 40), (40, None))
    parts = [replace(task, kind=Kind.PART, spans=(span,), key=plan.key) for span in plan.spans]
    assert perform(parts[1], Hooks()).state is State.DONE
    frames = []
    monkeypatch.setattr(
        "lgtsm.job.FileJob.compute", lambda *_: pytest.fail("a part was computed twice")
    )
    assert perform(parts[1], Hooks(lambda *news: frames.append(news))).state is State.DONE
    assert frames == []
    joined = perform(replace(task, kind=Kind.JOIN, spans=plan.spans, key=plan.key), Hooks())
    assert joined.state is State.FAILED
    assert not (out / "film.mp4").exists()
    monkeypatch.undo()
    assert perform(parts[0], Hooks()).state is perform(parts[2], Hooks()).state is State.DONE
    assert perform(replace(task, kind=Kind.JOIN, spans=plan.spans, key=plan.key), Hooks()).report
    _single(film, [MaskBox(40, 32, 36, 28)], tmp_path / "single.mp4")
    assert_same_film(out / "film.mp4", tmp_path / "single.mp4")


def test_a_film_completed_by_a_process_that_could_not_note_it_is_not_done_again(shots, tmp_path):
    sources, out = shots(1), tmp_path / "out"
    run_batch(sources, out, defaults=FAST)
    table = tmp_path / "jobs.csv"
    table.write_text("source,mask\nshots/shot00.mp4,shots/shot00_mask.png\n")
    (job,) = read_jobs(table, str(out), FAST)
    manifest = load_manifest(out, job)
    made = (out / "shot00.mp4").stat().st_mtime_ns
    save_manifest(out, job, replace(manifest, outputs={}, before={}))
    assert _states(run_batch(sources, out, defaults=FAST)) == ["done"]
    assert (out / "shot00.mp4").stat().st_mtime_ns == made
    # but one that was there before the run began is no result of it
    save_manifest(out, job, replace(manifest, outputs={}, before=manifest.outputs))
    assert _states(run_batch(sources, out, defaults=FAST)) == ["done"]
    assert (out / "shot00.mp4").stat().st_mtime_ns != made


def test_a_film_whose_process_was_killed_while_it_cleaned_up_leaves_nothing(
    shots, tmp_path, monkeypatch
):
    def killed(*_args, **_named):
        raise KeyboardInterrupt

    sources, out = shots(1), tmp_path / "out"
    (job,) = read_jobs(sources, str(out), FAST)
    state_folder(out).mkdir(parents=True)
    task = Task(job=job, folder=str(out), patience=0)
    for _ in range(2):  # once with the film just renamed, once when that is about to be noted
        with monkeypatch.context() as patch:
            patch.setattr("shutil.rmtree", killed)
            with pytest.raises(KeyboardInterrupt):
                perform(task, Hooks())
        assert journal_folder(out / job.output).exists()
    made = (out / "shot00.mp4").stat().st_mtime_ns
    assert perform(task, Hooks()).state is State.DONE
    assert (out / "shot00.mp4").stat().st_mtime_ns == made
    assert not journal_folder(out / job.output).exists()
    assert perform(task, Hooks()).state is State.SKIPPED


def test_another_version_on_a_node_is_refused(tmp_path):
    job = lgtsm.BatchJob(source="a.mp4", boxes=("1,1,2,2",), output="a.mp4")
    result = perform(Task(job=job, folder=str(tmp_path), version="0.0.1"), Hooks())
    assert result.state is State.FAILED
    assert "0.0.1" in result.error


def test_storage_that_goes_away_is_waited_for_then_told(shots, tmp_path):
    sources, out = shots(1), tmp_path / "out"
    state_folder(out).mkdir(parents=True)
    job = lgtsm.BatchJob(
        source=str(sources / "shot00.mp4"),
        mask=str(sources / "shot00_mask.png"),
        output="a.mp4",
        options=OPTIONS,
    )
    away = sources.rename(tmp_path / "away")
    result = perform(Task(job=job, folder=str(out), patience=0.2), Hooks())
    assert result.state is State.FAILED
    assert "to come back within 0.2 s" in result.error
    back = threading.Timer(0.5, away.rename, [sources])
    back.start()
    assert perform(Task(job=job, folder=str(out), patience=60), Hooks()).state is State.DONE
    back.join()
