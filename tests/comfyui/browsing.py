"""The real front end in a headless Chromium."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import shutil
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.comfyui.graph import Graph
from tests.comfyui.serving import Server

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

_BUILD = """async graph => {
  app.graph.clear();
  const made = {};
  for (const one of graph.nodes) {
    const node = LiteGraph.createNode(one.type);
    if (!node) throw new Error('no node type ' + one.type);
    node.pos = one.at;
    if (one.title) node.title = one.title;
    if (one.bypassed) node.mode = 4;
    app.graph.add(node);
    made[one.key] = node;
    for (const [name, value] of Object.entries(one.widgets)) {
      const widget = name ? node.widgets.find(w => w.name === name) : node.widgets[0];
      if (!widget) throw new Error(one.type + ' has no widget ' + name);
      widget.value = value;
      if (widget.callback) { try { widget.callback(value); } catch (e) { console.warn(e); } }
      widget.value = value;
    }
    for (const widget of node.widgets ?? [])
      if (widget.name === 'control_after_generate') widget.value = 'fixed';
  }
  for (const one of graph.nodes) for (const [input, source, output] of one.links) {
    const from = made[source], to = made[one.key];
    const out = from.outputs.findIndex(o => o.name === output || o.label === output);
    const into = to.inputs.findIndex(i => i.name === input);
    if (out < 0 || into < 0) throw new Error(`${source}.${output} -> ${one.key}.${input}`);
    if (!from.connect(out, to, into)) throw new Error(`refused: ${source}.${output} -> ${input}`);
  }
  await new Promise(done => setTimeout(done, 300));
  for (const one of graph.nodes) if (one.size) made[one.key].setSize([...one.size]);
  app.graph.setDirtyCanvas(true, true);
}"""
_FIT = """() => {
  const box = [1e9, 1e9, -1e9, -1e9];
  for (const node of app.graph.nodes) {
    const [x, y] = node.pos, [w, h] = node.size;
    box[0] = Math.min(box[0], x); box[1] = Math.min(box[1], y - 40);
    box[2] = Math.max(box[2], x + w); box[3] = Math.max(box[3], y + h);
  }
  const canvas = app.canvas, area = canvas.canvas.getBoundingClientRect();
  const width = box[2] - box[0] + 40, height = box[3] - box[1] + 40;
  // below is room for the minimap
  const scale = Math.min((area.width - 80) / width, (area.height - 100 - 120) / height, 1.2);
  canvas.ds.scale = scale;
  canvas.ds.offset[0] = -box[0] + 20 + (area.width / scale - width) / 2 + 20;
  canvas.ds.offset[1] = -box[1] + 110 / scale;  // below the Run button
  canvas.setDirty(true, true);
}"""
_DROP = """([data, name, type]) => {
  const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
  const carried = new DataTransfer(); carried.items.add(new File([bytes], name, {type}));
  const canvas = document.querySelector('#graph-canvas'), box = canvas.getBoundingClientRect();
  const at = {clientX: box.x + box.width * .8, clientY: box.y + box.height * .8};
  for (const kind of ['dragenter', 'dragover', 'drop'])
    canvas.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true,
      dataTransfer: carried, ...at}));
}"""
_DRAWS = "draws => { app.canvas.pause_rendering = !draws; }"
"""Without a GPU the canvas is drawn by the CPU, sixty times a second, changed or not."""
_READY = """() => {
  const all = window.app?.extensionManager;
  return window.app?.vueAppReady && all?.workflow?.activeWorkflow && !all.spinner;
}"""
"""The front end loads the graph that was open last by itself, late: not over one opened here."""
EMPTY = {
    "last_node_id": 0,
    "last_link_id": 0,
    "nodes": [],
    "links": [],
    "groups": [],
    "version": 0.4,
}


class Browser:
    """One open page of the front end.

    The driver runs in a thread of its own: in the main thread it would leave an event loop and
    greenlets behind, which other tests trip over.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self._driver = self._context = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def _do(self, work: Coroutine) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=300)

    def start(self, profile: Path) -> None:
        """Start a browser that knows nothing and open the front end."""
        self._do(self._start(profile))
        self.load()

    async def _start(self, profile: Path) -> None:
        from playwright.async_api import async_playwright

        program = os.environ.get("CHROMIUM") or shutil.which("chromium")
        self._driver = await async_playwright().start()
        self._context = await self._driver.chromium.launch_persistent_context(
            str(profile),
            executable_path=program,
            headless=True,
            args=FLAGS,
            viewport={"width": 1680, "height": 1000},
        )
        self._page = self._context.pages[0]

    def stop(self) -> None:
        async def close() -> None:
            if self._context is not None:
                await self._context.close()
            if self._driver is not None:
                await self._driver.stop()

        self._do(close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    def load(self) -> None:
        """Load the front end anew, without what an earlier graph has left."""

        async def load() -> None:
            await self._page.goto("about:blank")
            await self._page.goto(self.server.url, wait_until="domcontentloaded")
            await self._page.wait_for_function(_READY, timeout=120_000)
            await self._page.get_by_test_id("queue-button").wait_for()

        self._do(load())

    def evaluate(self, script: str, argument: object = None) -> Any:
        return self._do(self._page.evaluate(script, argument))

    def wait_until(self, script: str) -> None:
        self._do(self._page.wait_for_function(script, timeout=60_000))

    def wait(self, milliseconds: int) -> None:
        self._do(self._page.wait_for_timeout(milliseconds))

    def click_text(self, text: str) -> None:
        self._do(self._page.get_by_text(text, exact=True).first.click())

    def click(self, test_id: str) -> None:
        self._do(self._page.get_by_test_id(test_id).click())

    def wait_for(self, test_id: str) -> None:
        self._do(self._page.get_by_test_id(test_id).wait_for())

    def build(self, graph: Graph) -> dict:
        """Put a graph together with the front end's own objects; return it as a file's JSON."""
        self.evaluate(_BUILD, asdict(graph))
        self.evaluate(_FIT)  # the file keeps the view
        # as a string: the driver would turn undefined into null, which newer front ends reject
        return json.loads(self.evaluate("() => JSON.stringify(app.graph.serialize())"))

    def open(self, workflow: dict) -> None:
        self.evaluate(_DRAWS, True)
        self.evaluate("workflow => app.loadGraphData(workflow)", workflow)
        self.wait(500)

    def types(self) -> list[str]:
        return sorted(self.evaluate("() => app.graph.nodes.map(node => node.type)"))

    def prompt(self) -> dict:
        """Return the open graph in API form, as the front end converts it."""
        return self.evaluate("async () => (await app.graphToPrompt()).output")

    def press_run(self) -> tuple[int, dict]:
        """Press the Run button; return the server's answer."""

        async def press() -> tuple[int, dict]:
            async with self._page.expect_response(lambda r: r.url.endswith("/prompt")) as reply:
                await self._page.get_by_test_id("queue-button").click()
            answer = await reply.value
            await self._page.evaluate(_DRAWS, False)  # a core for whatever the server does now
            return answer.status, await answer.json()

        return self._do(press())

    def drop(self, path: Path, kind: str = "video/mp4") -> None:
        data = base64.b64encode(path.read_bytes()).decode()
        self.evaluate(_DROP, [data, path.name, kind])

    def shot(self, path: Path, *, fit: bool = True) -> None:
        """Take a picture, of the whole graph where `fit`."""
        self.evaluate(_DRAWS, True)
        if fit:
            self.evaluate(_FIT)
        self.wait(1500)  # the canvas is dimmed right after a change
        path.parent.mkdir(parents=True, exist_ok=True)
        self._do(self._page.screenshot(path=str(path), type="jpeg", quality=80))


@contextlib.contextmanager
def browse(server: Server, profile: Path) -> Iterator[Browser]:
    """Open the front end of a server in a browser of its own."""
    browser = Browser(server)
    try:
        browser.start(profile)
        yield browser
    finally:
        browser.stop()
