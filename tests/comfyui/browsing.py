"""The real front end in a headless Chromium."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from tests.comfyui.graphs import Graph
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
  const scale = Math.min((area.width - 80) / width, (area.height - 100) / height, 1.2);
  canvas.ds.scale = scale;
  canvas.ds.offset[0] = -box[0] + 20 + (area.width / scale - width) / 2 + 20;
  canvas.ds.offset[1] = -box[1] + 20 + (area.height / scale - height) / 2 + 20;
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
EMPTY = {
    "last_node_id": 0,
    "last_link_id": 0,
    "nodes": [],
    "links": [],
    "groups": [],
    "version": 0.4,
}


class Browser:
    """One open page of the front end."""

    def __init__(self, page: object, server: Server) -> None:
        self.page, self.server = page, server

    def load(self) -> None:
        """Load the front end anew, without what an earlier graph has left."""
        self.page.goto("about:blank")
        self.page.goto(self.server.url, wait_until="domcontentloaded")
        ready = "() => window.app?.vueAppReady && window.app.graph"
        self.page.wait_for_function(ready, timeout=120_000)
        self.page.get_by_test_id("queue-button").wait_for()

    def build(self, graph: Graph) -> dict:
        """Put a graph together with the front end's own objects; return it as a file's JSON."""
        self.page.evaluate(_BUILD, asdict(graph))
        # as a string: the driver would turn undefined into null, which newer front ends reject
        return json.loads(self.page.evaluate("() => JSON.stringify(app.graph.serialize())"))

    def open(self, workflow: dict) -> None:
        self.page.evaluate("workflow => app.loadGraphData(workflow)", workflow)
        self.page.wait_for_timeout(500)

    def types(self) -> list[str]:
        return sorted(self.page.evaluate("() => app.graph.nodes.map(node => node.type)"))

    def prompt(self) -> dict:
        """Return the open graph in API form, as the front end converts it."""
        return self.page.evaluate("async () => (await app.graphToPrompt()).output")

    def press_run(self) -> tuple[int, dict]:
        """Press the Run button; return the server's answer."""
        with self.page.expect_response(lambda answer: answer.url.endswith("/prompt")) as reply:
            self.page.get_by_test_id("queue-button").click()
        return reply.value.status, reply.value.json()

    def drop(self, path: Path, kind: str = "video/mp4") -> None:
        data = base64.b64encode(path.read_bytes()).decode()
        self.page.evaluate(_DROP, [data, path.name, kind])

    def shot(self, path: Path) -> None:
        """Show the whole graph and take a picture."""
        self.page.evaluate(_FIT)
        self.page.wait_for_timeout(1500)  # the canvas is dimmed right after a change
        path.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(path), type="jpeg", quality=80)


@contextlib.contextmanager
def browse(server: Server, profile: Path) -> Iterator[Browser]:
    """Open the front end of a server in a browser that knows nothing."""
    from playwright.sync_api import sync_playwright

    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            str(profile),
            executable_path=program,
            headless=True,
            args=FLAGS,
            viewport={"width": 1680, "height": 1000},
        )
        browser = Browser(context.pages[0], server)
        browser.load()
        yield browser
        context.close()
