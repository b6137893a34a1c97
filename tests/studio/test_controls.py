"""Tools, keys, messages and sizes of the page, in a real browser."""

from __future__ import annotations

import errno
import threading

import pytest

from lgtsm.studio import film_routes
from tests.studio.serving import serve, wait_for

pytestmark = pytest.mark.slow
_THICK = """() => {
  const size = document.getElementById('size');
  size.value = size.max;
  size.dispatchEvent(new Event('input'));
}"""


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
    studio.quick()
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
    wait_for(lambda: share() > first)
    tab.press("z")
    wait_for(lambda: share() == first)
    tab.press("e")
    tab.drag([(30, 30), (45, 30)], (160, 90))
    wait_for(lambda: 0 < share() < first)
    tab.click("#clear")
    tab.until("() => !document.querySelector('#painted button')")
    assert share() == 0


def test_an_undone_stroke_does_not_come_back_with_an_older_mask(tab, studio):
    tab.click("#entries .film")
    tab.see("#count", "0 / 9")
    session = studio.desk.sessions()[0]

    def reaches(column: int) -> bool:
        mask = session.painted.read(0)
        return mask is not None and bool(mask[..., column].any())

    def asked() -> list[str]:
        return [address for address in tab.addresses if "/picture/mask/" in address]

    tab.drag([(30, 30), (60, 30)], (160, 90))
    wait_for(lambda: reaches(45))
    tab.drag([(90, 60), (120, 60)], (160, 90))
    wait_for(lambda: reaches(105))
    tab.see("#painted", "frame 0")
    tab.delay("GET", "**/picture/mask/**", answering=1)
    tab.delay("PUT", "**/painted/**", asking=0.3)
    count = len(asked())
    tab.press("z")
    tab.press("e")  # asks for the mask, which the server has not yet without the stroke
    # the older one has come, the newer one is on its way
    wait_for(lambda: len(asked()) == count + 2)
    tab.drag([(30, 30), (45, 30)], (160, 90))
    wait_for(lambda: not reaches(32))
    assert reaches(58)
    assert not reaches(105)


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


def test_a_full_disk_is_told_and_the_stroke_is_saved_with_the_next_one(tab, studio, monkeypatch):
    tab.click("#entries .film")
    tab.see("#count", "0 / 9")

    def full(self):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lgtsm.whole_file.WholeFile._create", full)
    tab.drag([(30, 30), (60, 30)], (160, 90))
    tab.see("#told", "No space left on device; make room")
    monkeypatch.undo()
    tab.drag([(90, 60), (120, 60)], (160, 90))
    tab.see("#painted", "frame 0")
    tab.until("() => document.getElementById('told').hidden")
    mask = studio.desk.sessions()[0].painted.read(0)[0]
    assert mask[30, 45] == 1
    assert mask[60, 105] == 1


def test_an_answer_that_is_older_than_a_stroke_does_not_take_it_away(tab, monkeypatch):
    tab.click("#entries .film")
    tab.see("#count", "0 / 9")
    held, goes_on = threading.Event(), threading.Event()
    state_of = film_routes.state_of

    def slow(*given):
        state = state_of(*given)
        if not held.is_set():
            held.set()
            goes_on.wait(60)
        return state

    monkeypatch.setattr(film_routes, "state_of", slow)
    assert held.wait(30)  # the page has asked what there is
    tab.drag([(30, 30), (60, 30)], (160, 90))
    tab.see("#painted", "frame 0")
    goes_on.set()
    tab.evaluate("() => new Promise(done => setTimeout(done, 500))")
    assert tab.evaluate("() => document.querySelectorAll('#painted button').length") > 0


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
    tab.see("#step-mark", "涂满整个物体")
    tab.see("#count", "0 / 9")
    tab.go(5)
    tab.paint(scene.mask[5])
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


def test_one_finger_paints_and_two_move_the_picture(browser, studio):
    context = browser.context(390, 844)
    tab = browser.tab(context)
    tab.goto(studio.address)
    tab.click("#entries .film")
    tab.see("#count", "0 / 9")
    wide = "() => document.getElementById('stage').getBoundingClientRect().width"
    before = tab.evaluate(wide)
    tab.touch([[(0.4, 0.5), (0.35, 0.5), (0.25, 0.5)], [(0.6, 0.5), (0.65, 0.5), (0.75, 0.5)]])
    assert tab.evaluate(wide) == pytest.approx(2.5 * before, rel=0.1)
    assert tab.evaluate("() => document.getElementById('viewport').scrollLeft") > 0
    tab.touch([[(0.4, 0.5), (0.45, 0.5), (0.5, 0.5)]])
    tab.see("#painted", "frame 0")
    mask = studio.desk.sessions()[0].painted.read(0)[0]
    assert mask[45, 72] == 1
    assert mask[45, 110] == 0  # where the second finger was
    tab.see("button.main", "Track through the film")
    low = tab.evaluate(
        "() => document.querySelector('[data-do=track]').getBoundingClientRect().bottom"
    )
    assert low <= 844
    browser.do(context.close())


def test_clear_shows_nothing_of_what_was_tracked_there(tab, studio, scene, png):
    tab.click("#entries .film")
    tab.see("#count", "0 / 9")
    tab.go(5)
    tab.paint(scene.mask[5])
    tab.see("#painted", "frame 5")
    tab.click("[data-do=track]")
    tab.see("#track-said", "sure to")
    tab.finished()
    tab.go(4)  # it may be on its way to a doubtful frame
    tab.go(5)
    tab.click("#clear")
    tab.until("() => !document.querySelector('#painted button')")
    tab.drag([(10, 10), (20, 10)], (160, 90))
    tab.see("#painted", "frame 5")
    mask = studio.desk.sessions()[0].painted.read(5)
    assert not (mask * scene.mask[5]).any()


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
