"""A headless Chromium on the page of a studio, moved as a hand would."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import shutil
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
FLAGS += ["--js-flags=--expose-gc", "--enable-precise-memory-info"]
_NO_TASK = "() => document.getElementById('task').hidden && !document.querySelector('#work').hidden"

_SLIDE = """frame => {
  const slider = document.getElementById('frame');
  slider.value = frame;
  slider.dispatchEvent(new Event('input'));
}"""


def program() -> str | None:
    """Return the browser, None where there is none."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


class Tab:
    """One page. It fails at the first error of its scripts."""

    def __init__(self, browser: Browser, page: Any) -> None:
        self._browser, self._page = browser, page
        self.addresses: list[str] = []
        self.errors: list[str] = []

        async def listen() -> None:  # in the thread of the driver, which has an event loop
            page.on("request", lambda request: self.addresses.append(request.url))
            page.on("pageerror", lambda error: self.errors.append(str(error)))

        browser.do(listen())

    def _do(self, work: Coroutine) -> Any:
        found = self._browser.do(work)
        assert self.errors == []
        return found

    def goto(self, address: str) -> None:
        self._do(self._page.goto(address))

    def reload(self) -> None:
        self._do(self._page.reload())

    def evaluate(self, script: str, argument: object = None) -> Any:
        return self._do(self._page.evaluate(script, argument))

    def until(self, script: str, argument: object = None, seconds: float = 60) -> None:
        self._do(self._page.wait_for_function(script, arg=argument, timeout=1000 * seconds))

    def click(self, selector: str) -> None:
        self._do(self._page.locator(selector).first.click())

    def press(self, key: str) -> None:
        self._do(self._page.keyboard.press(key))

    def choose(self, selector: str, value: str) -> None:
        self._do(self._page.locator(selector).select_option(value))

    def give(self, selector: str, path: Path) -> None:
        self._do(self._page.locator(selector).set_input_files(str(path)))

    def text(self, selector: str) -> str:
        return self._do(self._page.locator(selector).first.inner_text())

    def see(self, selector: str, text: str, seconds: float = 30, *, hidden: bool = False) -> None:
        """Wait until a part of the page shows a text, or holds it where it may be `hidden`."""
        self.until(
            "([selector, text, hidden]) => [...document.querySelectorAll(selector)].some("
            "one => (hidden || one.checkVisibility()) && one.textContent.includes(text))",
            [selector, text, hidden],
            seconds,
        )

    def is_enabled(self, selector: str) -> bool:
        return self._do(self._page.locator(selector).first.is_enabled())

    def drag(
        self,
        points: list[tuple[float, float]],
        size: tuple[int, int],
        selector: str = "#picture",
    ) -> None:
        """Move the pressed mouse through points in pixels of a picture of a size (width, height)."""

        async def drag() -> None:
            box = await self._page.locator(selector).bounding_box()
            mouse, places = self._page.mouse, []
            for x, y in points:
                there = (
                    box["x"] + x * box["width"] / size[0],
                    box["y"] + y * box["height"] / size[1],
                )
                places.append(there)
            await mouse.move(*places[0])
            await mouse.down()
            for place in places[1:]:
                await mouse.move(*place, steps=4)
            await mouse.up()

        self._do(drag())

    def touch(self, ways: list[list[tuple[float, float]]]) -> None:
        """Move one finger a way, put down one after another, through shares of the picture's size."""

        async def touch() -> None:
            box = await self._page.locator("#picture").bounding_box()
            session = await self._page.context.new_cdp_session(self._page)

            async def send(kind: str, shares: list[tuple[float, float]]) -> None:
                points = [
                    {
                        "x": box["x"] + x * box["width"],
                        "y": box["y"] + y * box["height"],
                        "id": number,
                    }
                    for number, (x, y) in enumerate(shares)
                ]
                await session.send(
                    "Input.dispatchTouchEvent", {"type": kind, "touchPoints": points}
                )

            for count in range(1, len(ways) + 1):
                await send("touchStart", [way[0] for way in ways[:count]])
            for places in zip(*(way[1:] for way in ways), strict=True):
                await send("touchMove", list(places))
            await send("touchEnd", [])

        self._do(touch())

    def delay(
        self, method: str, addresses: str, *, asking: float = 0, answering: float = 0
    ) -> None:
        """Hold requests of a method to matching addresses, and their answers, for some seconds."""

        async def hold(route: Any) -> None:
            if route.request.method == method:
                await asyncio.sleep(asking)
                answer = await route.fetch()
                await asyncio.sleep(answering)
                await route.fulfill(response=answer)
            else:
                await route.fallback()

        self._do(self._page.route(addresses, hold))

    def paint(self, mask: Tensor, inset: int = 2, step: int = 4) -> None:
        """Move the brush over a mask (1,H,W), a line every `step` rows, `inset` pixels from its edge."""
        way: list[tuple[float, float]] = []
        rows = mask[0].any(1).nonzero().flatten().tolist()
        for row in range(rows[0] + inset, rows[-1], step):
            columns = mask[0, row].nonzero().flatten().tolist()
            if columns:
                ends = [(columns[0] + inset, row), (columns[-1] - inset, row)]
                way += ends if len(way) % 4 else ends[::-1]
        self.drag(way, (mask.shape[2], mask.shape[1]))

    def go(self, frame: int) -> None:
        """Move the slider to a frame, and wait until it is shown."""
        self.see("#count", "/")  # of the first frame
        self.evaluate(_SLIDE, frame)
        self.see("#count", f"{frame} /")

    def finished(self, seconds: float = 120) -> None:
        """Wait until no work is shown."""
        self.until(_NO_TASK, seconds=seconds)

    def shot(self, name: str) -> None:
        """Take a picture, where a folder for them is named."""
        folder = os.environ.get("LGTSM_STUDIO_SHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self._browser.do(self._page.wait_for_timeout(400))
            kind = "png" if os.environ.get("LGTSM_STUDIO_PNG") else "jpeg"
            path = Path(folder) / f"{name}.{kind.replace('jpeg', 'jpg')}"
            quality = {"quality": 85} if kind == "jpeg" else {}
            # not where this machine keeps its files
            show = "as => document.querySelectorAll('small').forEach(x => x.style.visibility = as)"
            self.evaluate(show, "hidden")
            self._browser.do(self._page.screenshot(path=str(path), type=kind, **quality))
            self.evaluate(show, "")

    def drop(self, path: Path) -> None:
        """Drop a film on the page."""
        self.evaluate(
            """([data, name]) => {
              const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0)), carried = new DataTransfer();
              carried.items.add(new File([bytes], name, {type: 'video/mp4'}));
              const event = {bubbles: true, cancelable: true, dataTransfer: carried};
              document.querySelector('#drop').dispatchEvent(new DragEvent('drop', event));
            }""",
            [base64.b64encode(path.read_bytes()).decode(), path.name],
        )

    def close(self) -> None:
        self._browser.do(self._page.close())


class Browser:
    """The driver runs in a thread of its own: in the main one it would leave an event loop behind."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, work: Coroutine) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=300)

    def start(self) -> None:
        async def start() -> None:
            from playwright.async_api import async_playwright

            self._driver = await async_playwright().start()
            self._chromium = await self._driver.chromium.launch(
                executable_path=program(), headless=True, args=FLAGS
            )

        self.do(start())

    def context(self, width: int = 1280, height: int = 720, language: str = "en") -> Any:
        """Return what shares cookies, as the tabs of one window do."""
        size = {"width": width, "height": height}
        fingers = width < height
        return self.do(
            self._chromium.new_context(viewport=size, locale=language, has_touch=fingers)
        )

    def tab(self, context: Any) -> Tab:
        return Tab(self, self.do(context.new_page()))

    def stop(self) -> None:
        async def stop() -> None:
            await self._chromium.close()
            await self._driver.stop()

        self.do(stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()


@contextlib.contextmanager
def browse() -> Iterator[Browser]:
    """Run a browser until the block ends."""
    browser = Browser()
    browser.start()
    try:
        yield browser
    finally:
        browser.stop()
