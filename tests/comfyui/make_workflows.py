"""Make the files in workflows/ with the real front end: python -m tests.comfyui.make_workflows
[NAME ...].

LGTSM_COMFYUI_CACHE names what `setup.sh` has made. Pictures of the graphs go to docs/workflows/.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from tests.comfyui.browsing import Browser, browse
from tests.comfyui.graph import Graph
from tests.comfyui.graphs import GRAPHS
from tests.comfyui.serving import ROOT, prepare_base, serve


def main() -> None:
    """Write one file a graph, run it where it can run here, and take its picture."""
    cache = Path(os.environ["LGTSM_COMFYUI_CACHE"]).resolve()
    with tempfile.TemporaryDirectory() as work:
        base = prepare_base(Path(work) / "base")
        with serve(cache, base) as server:
            for name in sys.argv[1:] or GRAPHS:
                with browse(server, Path(work) / name) as browser:
                    _make(GRAPHS[name], browser)


def _make(graph: Graph, browser: Browser) -> None:
    workflow = browser.build(graph)
    text = json.dumps(workflow, indent=1, ensure_ascii=False)
    (ROOT / "workflows" / f"{graph.name}.json").write_text(text + "\n", encoding="utf-8")
    browser.open(workflow)
    if not graph.needs:
        status, answer = browser.press_run()
        assert status == 200, answer
        entry = browser.server.finished(answer["prompt_id"])
        assert entry["status"]["status_str"] == "success", entry["status"]
    browser.wait(6000)  # until the message that tells so is gone
    browser.shot(ROOT / "docs" / "workflows" / f"{graph.name}.jpg")


if __name__ == "__main__":
    main()
