"""A file job reads and writes in threads of its own; nothing of them is left, however it ends."""

from __future__ import annotations

import threading

import pytest
import torch

import lgtsm
from lgtsm.errors import Cancelled, LgtsmError, VideoError
from lgtsm.options import VideoOptions
from lgtsm.video.write import VideoWriter

NUM = 24


@pytest.fixture
def job(make_film, holes_of, save_masks, network, options, tmp_path):
    """job(**changes) runs 24 frames into out.mkv."""
    film = make_film(tmp_path / "film.mkv", NUM, lossless=True)
    masks = save_masks(tmp_path / "masks.mkv", holes_of(NUM))

    def run(**changes):
        values = {"model": network, "options": options(), "video": VideoOptions(lossless=True)}
        return lgtsm.inpaint_video(film, masks, tmp_path / "out.mkv", **(values | changes))

    return run


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.slow
def test_progress_is_told_in_the_thread_of_the_caller(job):
    seen = []

    def progress(done, total, note):
        seen.append((done, total, threading.current_thread()))

    job(progress=progress)
    assert seen[-1][:2] == (NUM, NUM)
    assert {thread for *_, thread in seen} == {threading.current_thread()}


@pytest.mark.slow
def test_a_disk_that_fills_up_is_the_error_of_the_job(job, monkeypatch, tmp_path):
    write, calls = VideoWriter.write, []

    def full(writer, frame, pixels, hole):
        calls.append(frame.index)
        if len(calls) == 9:
            raise VideoError("Expected to write out.mkv, got: disk full; check free space.")
        write(writer, frame, pixels, hole)

    monkeypatch.setattr(VideoWriter, "write", full)
    with pytest.raises(VideoError, match="disk full"):
        job()
    assert calls == list(range(9))
    assert not (tmp_path / "out.mkv").exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".out")] == []


def test_a_mask_that_ends_too_early_is_the_error_of_the_job(
    job, make_film, holes_of, save_masks, network, options, tmp_path, one_sentence
):
    longer = make_film(tmp_path / "longer.mkv", NUM + 9, lossless=True)
    with pytest.raises(LgtsmError) as error:
        lgtsm.inpaint_video(
            longer, tmp_path / "masks.mkv", tmp_path / "x.mkv", model=network, options=options()
        )
    one_sentence(error.value)
    assert not (tmp_path / "x.mkv").exists()


@pytest.mark.slow
@pytest.mark.parametrize("asked", [1, 200])
def test_a_cancelled_job_leaves_no_file(job, asked, tmp_path):
    calls = []

    def cancel():
        calls.append(1)
        return len(calls) > asked

    with pytest.raises(Cancelled):
        job(cancel=cancel)
    assert not (tmp_path / "out.mkv").exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".out")] == []


@pytest.mark.slow
def test_a_caller_in_inference_mode_gets_the_same_file(job, tmp_path):
    job()
    first = (tmp_path / "out.mkv").stat().st_size
    with torch.inference_mode():
        job()
    assert (tmp_path / "out.mkv").stat().st_size == first
