"""The page in a real browser: from an opened film to a saved result, and what may happen on the way."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import pytest
import torch

from lgtsm.batch.job_list import read_jobs
from lgtsm.scene.camera import SceneOptions
from lgtsm.scene.render import render_scene
from lgtsm.studio.worker import Task
from lgtsm.video.clip import write_clip
from lgtsm.video.read import read_frames, read_masks
from tests.studio.browsing import Browser, Tab, browse, program
from tests.studio.serving import serve

pytest.importorskip("playwright", reason="needs tests/comfyui/driver.txt")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(program() is None, reason="needs chromium"),
]
_HIGH = 180 if os.environ.get("LGTSM_STUDIO_SHOTS") else 90
SHOWN = SceneOptions(num_frames=24, height=_HIGH, width=_HIGH * 16 // 9)
"""Large enough to look at, where it is."""

_THICK = """() => {
  const size = document.getElementById('size');
  size.value = size.max;
  size.dispatchEvent(new Event('input'));
}"""


@pytest.fixture(scope="module")
def browser():
    with browse() as running:
        yield running


@pytest.fixture
def context(browser: Browser):
    found = browser.context()
    yield found
    browser.do(found.close())


@pytest.fixture
def tab(browser, context, studio) -> Tab:
    """Return a page of the studio, without a film."""
    found = browser.tab(context)
    found.goto(studio.address)
    found.see("#entries", "shot.mp4")
    return found


def _strokes(mask):
    """Return the way of a brush over a mask (1,H,W), line by line."""
    rows = mask[0].any(1).nonzero().flatten().tolist()
    way = []
    for row in range(rows[0] + 2, rows[-1], 4):
        columns = mask[0, row].nonzero().flatten().tolist()
        if columns:
            ends = [(columns[0] + 2, row), (columns[-1] - 2, row)]
            way += ends if len(way) % 4 else ends[::-1]
    return way


def _paint(tab, mask):
    height, width = mask.shape[1:]
    tab.drag(_strokes(mask), (width, height))


def _quick(studio):
    """Choose a quick fill for the film that is open."""
    session = studio.desk.sessions()[0]
    session.choose({"mode": "copy", "motion": "planar", "threads": 1}, None)
    return session


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
        _paint(tab, scene.mask[10])
        tab.see("#painted", "frame 10")
        tab.shot("painted")
        session = studio.desk.sessions()[0]
        painted = session.painted.read(10)
        both = (painted * scene.mask[10]).sum() / ((painted + scene.mask[10]) > 0).sum()
        assert both > 0.7  # the brush is round
        tab.click("[data-do=track]")
        tab.finished()
        tab.see("#track-said", "Tracked")
        tab.go(16)
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
        _paint(tab, scene.mask[5])
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
        _paint(tab, scene.mask[doubtful - 10].flip(2))
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
    _paint(tab, scene.mask[5])
    tab.see("#painted", "frame 5")
    session = _quick(studio)
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
    _paint(tab, scene.mask[5])
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
        _paint(tab, scene.mask[5])
        tab.see("#painted", "frame 5")
        tab.click("[data-do=track]")
        tab.see("#track-said", "sure to")
        tab.click("[data-do=remove]")
        _wait((film.parent / "shot_clean.mp4.lgtsm-partial").is_dir)
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


def test_a_box_and_points_find_the_object(tab, studio, scene):
    tab.click("#entries .film")
    tab.see("#count", "0 / 9")
    tab.go(5)
    rows, columns = (scene.mask[5, 0] > 0).nonzero(as_tuple=True)
    left, top, right, bottom = map(int, (columns.min(), rows.min(), columns.max(), rows.max()))
    tab.click("[data-tool=box]")
    tab.drag([(left - 2, top - 2), (right + 2, bottom + 2)], (160, 90))
    tab.see("#painted", "frame 5")
    session = studio.desk.sessions()[0]
    by_box = session.painted.read(5)
    assert (by_box * scene.mask[5]).sum() > 0.5 * scene.mask[5].sum()
    tab.click("#clear")
    tab.until("() => !document.querySelector('#painted button')")
    tab.click("[data-tool=point]")
    middle = ((left + right) / 2, (top + bottom) / 2)
    tab.drag([middle, middle], (160, 90))
    tab.see("#painted", "frame 5")
    assert session.painted.read(5)[0, int(middle[1]), int(middle[0])] == 1


def test_a_mask_is_loaded_and_a_key_frame_painted_in_colour(
    tab, studio, still, scene, png, tmp_path
):
    mask = tmp_path / "mask.png"
    mask.write_bytes(png(scene.mask[5]))
    tab.reload()
    tab.click("text=still.mp4")
    tab.see("#count", "0 / 9")
    tab.give("#mask-file", mask)
    tab.see("#track-said", "the file that was loaded")
    _quick(studio)
    tab.click("[data-do=preview]")
    tab.see("#unseen", "No frame shows 100.0 %")
    tab.click("[data-do=keys]")
    tab.see("#legend", "Violet")
    number = studio.desk.sessions()[0].keys.numbers()[0]
    tab.see("#count", f"{number} / 9")
    tab.until("() => document.getElementById('stage').dataset.key === 'true'")
    tab.evaluate(
        "() => { const one = document.getElementById('colour'); one.value = '#00ff00'; "
        "one.dispatchEvent(new Event('input')); }"
    )
    tab.drag([(60, 60), (90, 60)], (160, 90))
    tab.see("#keys", f"key frame {number} ✓")
    tab.see("#command", "--plate", hidden=True)
    tab.click("#leave-key")
    tab.until("() => document.getElementById('key-tools').hidden")


def test_a_film_of_2000_frames_is_scrubbed_with_flat_memory(browser, context, long_film):
    with serve(long_film.parent) as studio:
        tab = browser.tab(context)
        tab.goto(studio.address)
        tab.click("#entries .film")
        tab.see("#count", "0 / 1999")
        used = []
        for round_ in range(3):
            for frame in range(50 * round_, 2000, 160):
                tab.go(frame)
            used.append(tab.evaluate("() => { gc(); return performance.memory.usedJSHeapSize; }"))
        assert used[2] < used[0] + 2**21
        (pictures,) = (known[1] for known in studio.desk.sessions()[0]._pictures.values())
        assert pictures.kept_bytes < 64 * 2**20


def test_keys_step_and_play(tab):
    tab.click("#entries .film")
    tab.see("#count", "0 / 9")
    for key, frame in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("ArrowLeft", 0)):
        tab.press(key)
        tab.see("#count", f"{frame} / 9")
    tab.press("Shift+ArrowRight")
    tab.see("#count", "9 / 9")
    tab.press("Space")
    tab.until("() => !document.getElementById('count').textContent.startsWith('9 ')")
    tab.press("Space")
    tab.see("#play", "▶")


def test_undo_eraser_and_clear(tab, studio):
    tab.click("#entries .film")
    tab.see("#count", "0 / 9")
    session = studio.desk.sessions()[0]

    def share():
        mask = session.painted.read(0)
        return 0.0 if mask is None else float(mask.mean())

    tab.drag([(30, 30), (60, 30)], (160, 90))
    tab.see("#painted", "frame 0")
    first = share()
    tab.drag([(90, 60), (120, 60)], (160, 90))
    _wait(lambda: share() > first)
    tab.press("z")
    _wait(lambda: share() == first)
    tab.press("e")
    tab.drag([(30, 30), (45, 30)], (160, 90))
    _wait(lambda: 0 < share() < first)
    tab.click("#clear")
    tab.until("() => !document.querySelector('#painted button')")
    assert share() == 0


def _wait(condition):
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_what_goes_wrong_is_told_in_the_page(tab, film):
    (film.parent / "broken.mp4").write_bytes(b"no film")
    tab.reload()
    tab.see("#entries", "broken.mp4")
    tab.click("text=broken.mp4")
    tab.see("#told", "Expected")
    tab.click("text=shot.mp4")
    tab.see("#count", "0 / 9")
    tab.evaluate(_THICK)
    edges = [(x, y) for y in range(2, 89, 8) for x in ((2, 158) if y % 16 == 2 else (158, 2))]
    tab.drag(edges, (160, 90))
    tab.see("#painted", "frame 0")
    tab.click("[data-do=track]")
    tab.see("#told", "leave the background black")
    tab.click("[data-do=static]")
    tab.see("#told", "paint")


def test_a_film_is_dropped_and_the_sample_is_one_click_away(tab, film, tmp_path):
    dropped = film.rename(tmp_path / "dropped.mp4")
    tab.drop(dropped)
    tab.see("#film-name", "dropped.mp4")
    assert (film.parent / "dropped.mp4").exists()
    tab.click("#another")
    tab.click("#sample")
    tab.see("#film-name", "lgtsm_sample.mp4")


def test_it_is_usable_in_chinese_on_a_phone(browser, studio, scene):
    context = browser.context(390, 844, "zh-CN")
    tab = browser.tab(context)
    tab.goto(studio.address)
    tab.see("h1", "从视频中去除物体")
    tab.click("#entries .film")
    tab.see("#step-mark", "在一帧上涂出物体")
    tab.see("#count", "0 / 9")
    tab.go(5)
    _paint(tab, scene.mask[5])
    tab.see("#painted", "第 5 帧")
    tab.choose("#language", "en")
    tab.see("#painted", "frame 5")
    tab.shot("phone")
    tab.choose("#language", "zh")
    tab.click("[data-do=track]")
    tab.finished()
    tab.see("#track-said", "已跟踪")
    wide = tab.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 390
    assert tab.evaluate("() => document.body.innerText.match(/_help|undefined|NaN/)") is None
    browser.do(context.close())


def test_everything_fits_on_a_small_screen(tab, scene):
    tab.click("#entries .film")
    tab.see("#count", "0 / 9")
    for selector in ("#tools", "#stage", "#transport", "#step-mark", "[data-do=track]"):
        box = tab.evaluate(
            "selector => { const b = document.querySelector(selector).getBoundingClientRect(); "
            "return [b.left, b.top, b.right, b.bottom]; }",
            selector,
        )
        assert box[0] >= 0, selector
        assert box[1] >= 0, selector
        assert box[2] <= 1280, selector
        assert box[3] <= 720, selector
