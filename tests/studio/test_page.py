"""The page in a real browser: from an opened film to a saved result, and what may happen on the way."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from urllib.parse import urlsplit

import pytest
import torch

from lgtsm.batch.job_list import read_jobs
from lgtsm.scene.camera import SceneOptions
from lgtsm.scene.render import render_scene
from lgtsm.studio.worker import Task
from lgtsm.video.clip import write_clip
from lgtsm.video.read import read_frames, read_masks
from tests.studio.serving import serve, wait_for

pytestmark = pytest.mark.slow
_HIGH = 180 if os.environ.get("LGTSM_STUDIO_SHOTS") else 90
_FINE = """() => {
  const size = document.getElementById('size');
  size.value = 3;
  size.dispatchEvent(new Event('input'));
}"""
SHOWN = SceneOptions(num_frames=24, height=_HIGH, width=_HIGH * 16 // 9)
"""Large enough to look at, where it is."""


def test_an_object_is_painted_tracked_removed_compared_and_saved(browser, context, tmp_path):
    scene, folder = render_scene(SHOWN), tmp_path / "films"
    folder.mkdir()
    write_clip(folder / "shot.mp4", scene.frames, rate=scene.rate)
    with serve(folder) as studio:
        tab = browser.tab(context)
        tab.goto(studio.address)
        tab.see("#entries", "shot.mp4")
        assert tab.evaluate("() => location.search") == ""
        tab.click("#entries .film")
        tab.see("#film-facts", f"{_HIGH} · 24/s · 24 frames")
        assert not tab.is_enabled("[data-do=remove]")
        tab.go(10)
        shadow = torch.nn.functional.max_pool2d(scene.shadow[10], 3, 1, 1)
        vehicle = scene.mask[10] * (1 - shadow)
        tab.evaluate(_FINE)
        tab.paint(vehicle, _HIGH // 67, _HIGH // 45)
        tab.see("#painted", "frame 10")
        tab.shot("painted")
        session = studio.desk.sessions()[0]
        painted = session.painted.read(10)
        both = (painted * vehicle).sum() / ((painted + vehicle) > 0).sum()
        assert both > 0.7  # the brush is round
        tab.click("[data-do=track]")
        tab.finished()
        tab.see("#track-said", "Tracked")
        tab.go(16)
        if os.environ.get("LGTSM_STUDIO_SHOTS"):
            tab.click("[data-add=shadow]")
            tab.see("#added-said", "Added, in blue", 200)
        tab.shot("tracked")
        quick = {} if os.environ.get("LGTSM_STUDIO_SHOTS") else {"mode": "copy", "motion": "planar"}
        session.choose({"lossless": True, **quick}, ["compare"])
        tab.click("[data-do=remove]")
        tab.see("#task-stage", "Removing")
        tab.finished()
        tab.see("#verdict", "Passed: nothing outside the mask changed.")
        tab.until("() => document.getElementById('stage').className === 'wipe'")
        tab.shot("compared")
        for look in ("side", "after", "before", "wipe"):
            tab.click(f"[data-look={look}]")
            tab.until("look => document.getElementById('stage').className === look", look)
        tab.drag([(50, 50), (25, 50)], (100, 100))
        left = tab.evaluate("() => document.getElementById('divider').style.left")
        assert float(left.rstrip("%")) == pytest.approx(25, abs=3)
        saved = folder / "shot_clean.mkv"
        assert str(saved) in tab.text("#outputs")
        tab.until("() => document.getElementById('comparison').readyState > 0")
        holes = read_masks(session.folder / "mask_used.mkv")
        pairs = zip(read_frames(folder / "shot.mp4"), read_frames(saved), holes, strict=True)
        for before, after, hole in pairs:
            far = torch.nn.functional.max_pool2d(hole[None], 5, 1, 2)[0].expand(3, -1, -1) == 0
            assert torch.equal(before.rgb()[far], after.rgb()[far])
        (job,) = read_jobs(session.project.file, str(tmp_path / "out"))
        assert job.track == (f"{session.painted.path(10)}@10",)
        own = urlsplit(studio.url).netloc
        asked = {urlsplit(one).netloc for one in tab.addresses if not one.startswith("blob:")}
        assert asked == {own}


def test_a_doubtful_frame_is_marked_and_corrected(browser, context, tmp_path, scene):
    """Nothing is tracked across a cut, so the second shot is doubtful until a frame of it is painted."""
    frames = torch.cat([scene.frames, 1 - scene.frames.flip(3)])
    write_clip(tmp_path / "cut.mp4", frames, rate=scene.rate)
    with serve(tmp_path) as studio:
        tab = browser.tab(context)
        tab.goto(studio.address)
        tab.click("#entries .film")
        tab.see("#count", "0 / 19")
        tab.go(5)
        tab.paint(scene.mask[5])
        tab.see("#painted", "frame 5")
        tab.click("[data-do=track]")
        tab.finished()
        tab.see("#doubtful", "frame")
        doubtful = int(tab.text("#doubtful button").removeprefix("frame "))
        assert doubtful >= 10
        tab.see("#count", f"{doubtful} /")  # it goes there by itself
        tab.go(0)
        tab.evaluate(
            """frame => {
              const strip = document.getElementById('timeline'), box = strip.getBoundingClientRect();
              const x = box.left + 8 + (box.width - 16) * frame / 19;
              strip.dispatchEvent(new PointerEvent('pointerdown', {clientX: x + 3, clientY: box.top + 6}));
            }""",
            doubtful,
        )
        tab.see("#count", f"{doubtful} /")
        tab.paint(scene.mask[doubtful - 10].flip(2))
        tab.see("#track-said", "track again")
        tab.click("[data-do=track]")
        tab.see("#track-said", "sure to")
        tab.until("() => !document.getElementById('step-track').classList.contains('next')")
        found = studio.desk.sessions()[0].found
        assert min(found.confidence[10:]) > 0
        assert doubtful not in found.repaint


def test_work_is_cancelled_in_the_middle_and_taken_up_again(tab, studio, film, scene):
    tab.click("#entries .film")
    tab.see("#count", "0 / 9")
    tab.go(5)
    tab.paint(scene.mask[5])
    tab.see("#painted", "frame 5")
    session = studio.quick()
    begun, goes_on = threading.Event(), threading.Event()
    report = Task._report

    def slow(self, done, total, note):
        report(self, done, total, note)
        if self.kind == "remove" and done >= 3:
            begun.set()
            goes_on.wait(60)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Task, "_report", slow)
        tab.click("[data-do=remove]")
        assert begun.wait(60)
        tab.see("#task-stage", "Removing")
        tab.click("#cancel")
        goes_on.set()
        tab.finished()
    assert not (film.parent / "shot_clean.mp4").exists()
    assert session.task.state.value == "cancelled"
    tab.click("[data-do=remove]")
    tab.see("#outputs", "shot_clean.mp4")
    tab.finished()
    tab.click("[data-do=preview]")
    tab.see("#verdict", "Preview of frames 0 to 9")
    tab.click("#shown >> text=Whole film")
    tab.see("#verdict", ":")
    assert (film.parent / "shot_clean.mp4").exists()


def test_a_page_that_is_loaded_again_shows_the_work_that_went_on(tab, studio, film, scene):
    tab.click("#entries .film")
    tab.see("#count", "0 / 9")
    tab.go(5)
    tab.paint(scene.mask[5])
    tab.see("#painted", "frame 5")
    goes_on = threading.Event()
    studio.desk.worker.add(Task("hold", lambda hooks: goes_on.wait(60)))
    tab.click("[data-do=track]")
    tab.see("#task-stage", "Waiting; 1 before this one")
    tab.reload()
    tab.see("#film-name", "shot.mp4")
    tab.see("#painted", "frame 5")
    tab.see("#count", "5 /")
    tab.see("#task-stage", "Waiting")
    goes_on.set()
    tab.finished()
    tab.see("#track-said", "Tracked")


def test_two_tabs_work_on_two_films_and_share_one(browser, context, tab, studio, film, scene):
    write_clip(film.parent / "other.mp4", scene.frames.flip(3), rate=scene.rate)
    other = browser.tab(context)
    other.goto(studio.url)
    other.see("#entries", "other.mp4")
    other.click("text=other.mp4")
    tab.click("text=shot.mp4")
    for one in (tab, other):
        one.see("#count", "0 / 9")
        one.drag([(40, 40), (60, 50)], (160, 90))
        one.see("#painted", "frame 0")
    assert [len(s.painted.numbers()) for s in studio.desk.sessions()] == [1, 1]
    third = browser.tab(context)
    third.goto(studio.url)
    third.see("#opened", "Continue with shot.mp4")
    third.click("#opened button >> text=shot.mp4")
    third.see("#count", "0 / 9")
    third.see("#painted", "frame 0")
    assert len(studio.desk.sessions()) == 2
    third.go(4)
    third.drag([(40, 40), (60, 50)], (160, 90))
    tab.see("#painted", "frame 4")  # the other page of the same film shows it soon


def test_a_page_goes_on_by_itself_when_the_studio_was_killed_and_started_again(
    browser, context, film, scene
):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "lgtsm", "studio", str(film), "--no-browser"]
    command += ["--port", str(port)]
    environment = {**os.environ, "LGTSM_STUDIO_TOKEN": "t" * 16, "PYTHONUNBUFFERED": "1"}

    @contextlib.contextmanager
    def started():
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            assert f"http://127.0.0.1:{port}/?token=" in process.stdout.readline()
            yield process
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    tab = browser.tab(context)
    with started() as process:
        tab.goto(f"http://127.0.0.1:{port}/?token={'t' * 16}")
        tab.see("#count", "0 / 9")  # the film of the command is open
        tab.go(5)
        tab.paint(scene.mask[5])
        tab.see("#painted", "frame 5")
        tab.click("[data-do=track]")
        tab.see("#track-said", "sure to")
        tab.click("[data-do=remove]")
        wait_for((film.parent / "shot_clean.mp4.lgtsm-partial").is_dir)
        process.kill()
        tab.see("#told", "still running")
    with started():
        tab.see("#told", "started anew")
        tab.see("#painted", "frame 5")
        tab.see("#track-said", "sure to")
        tab.see("#resumable", "goes on where it stopped")
        tab.choose("[data-option=preset]", "fast")
        tab.click("[data-do=remove]")
        tab.see("#verdict", ":", 120)
        assert (film.parent / "shot_clean.mp4").exists()
