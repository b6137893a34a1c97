"""Every shipped workflow in the real front end: opened, run with the Run button, dropped again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.comfyui.browsing import EMPTY, browse
from tests.comfyui.graphs import GRAPHS
from tests.comfyui.serving import PACK, ROOT

DRAWN = {"MarkdownNote", "Reroute"}
"""What the front end alone knows."""
BYPASSED = 4
FILES = sorted((ROOT / "workflows").glob("*.json"))
RUNNABLE = [path for path in FILES if not GRAPHS[path.stem].needs]
LACKING = [path for path in FILES if GRAPHS[path.stem].needs]


# closed before the next file: while it is open it draws and takes from all others
@pytest.fixture(scope="module")
def browser(server, tmp_path_factory):
    """Return a browser with the front end open."""
    with browse(server, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def shots(tmp_path) -> Path:
    """Return the folder for pictures; LGTSM_COMFYUI_SHOTS keeps them."""
    return Path(os.environ.get("LGTSM_COMFYUI_SHOTS", tmp_path))


def _read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_every_graph_is_shipped_with_a_note():
    assert {path.stem for path in FILES} == set(GRAPHS)
    for path in FILES:
        assert "MarkdownNote" in {node["type"] for node in _read(path)["nodes"]}


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_workflow_holds_only_nodes_of_the_core_and_of_this_pack(server, path):
    _, known = server.call("/object_info")
    for node in _read(path)["nodes"]:
        if node["type"] not in DRAWN:
            module = known[node["type"]]["python_module"]
            assert module.startswith(("nodes", "comfy_extras.", f"custom_nodes.{PACK}")), module


@pytest.mark.parametrize("path", RUNNABLE, ids=[path.stem for path in RUNNABLE])
def test_workflow_runs_from_the_run_button(server, browser, shots, path):
    workflow = _read(path)
    browser.load()
    browser.open(workflow)
    assert browser.types() == sorted(node["type"] for node in workflow["nodes"])
    status, answer = browser.press_run()
    assert status == 200, answer
    entry = server.finished(answer["prompt_id"])
    assert entry["status"]["status_str"] == "success", entry["status"]
    ran = {node["class_type"] for node in entry["prompt"][2].values()}
    active = {node["type"] for node in workflow["nodes"] if node["mode"] != BYPASSED}
    assert ran == active - DRAWN
    browser.shot(shots / f"{path.stem}.jpg")
    for node, outputs in entry["outputs"].items():
        if entry["prompt"][2][node]["class_type"] == "SaveVideo":
            assert outputs["images"]


@pytest.mark.parametrize("path", LACKING, ids=[path.stem for path in LACKING])
def test_other_workflows_lack_nothing_but_their_weights(server, browser, shots, path):
    browser.load()
    browser.open(_read(path))
    status, answer = server.call("/prompt", {"prompt": browser.prompt()})
    assert status == 400
    errors = [error for node in answer["node_errors"].values() for error in node["errors"]]
    assert [error["type"] for error in errors] == ["value_not_in_list"]
    assert GRAPHS[path.stem].needs in errors[0]["details"]
    browser.shot(shots / f"{path.stem}.jpg")


def test_first_run_measures_its_result_and_its_video_reopens_the_graph(server, browser):
    path = ROOT / "workflows" / "lgtsm_01_first_run_no_file_needed.json"
    browser.load()
    workflow = _read(path)
    scene = next(node for node in workflow["nodes"] if node["type"] == "LGTSMDemoScene")
    scene["widgets_values"][scene["widgets_values"].index(24)] = 12
    browser.open(workflow)
    _, answer = browser.press_run()
    entry = server.finished(answer["prompt_id"])
    assert entry["status"]["status_str"] == "success", entry["status"]
    kinds = {node: value["class_type"] for node, value in entry["prompt"][2].items()}
    by_kind = {kinds[node]: outputs for node, outputs in entry["outputs"].items()}
    verdict = by_kind["PreviewAny"]["text"][0].splitlines()[0]
    assert verdict.startswith("Passed: nothing outside the mask changed. ")
    assert float(verdict.split()[-5]) > 20  # 43.6 dB to the truth.

    item = by_kind["SaveVideo"]["images"][0]
    saved = server.base / item["type"] / item["subfolder"] / item["filename"]
    browser.open(EMPTY)
    assert browser.types() == []
    browser.drop(saved)
    count = len(workflow["nodes"])
    browser.wait_until(f"() => app.graph.nodes.length === {count}")
    assert browser.types() == sorted(node["type"] for node in workflow["nodes"])
    inputs = next(v for v in browser.prompt().values() if v["class_type"] == "LGTSMDemoScene")
    assert inputs["inputs"]["frames"] == 12


def test_template_browser_shows_the_workflows(browser, shots):
    browser.load()
    browser.evaluate("() => app.extensionManager.command.execute('Comfy.BrowseTemplates')")
    browser.click_text(PACK)
    for name in GRAPHS:
        browser.wait_for(f"template-workflow-{name}")
    browser.shot(shots / "templates.jpg", fit=False)
    browser.click("template-workflow-lgtsm_01_first_run_no_file_needed")
    browser.wait_until("() => app.graph.nodes.some(node => node.type === 'LGTSMDemoScene')")


def test_a_wrong_input_says_so_on_the_node(browser, server):
    browser.load()
    workflow = _read(ROOT / "workflows" / "lgtsm_01_first_run_no_file_needed.json")
    browser.open(workflow)
    browser.evaluate(
        "() => app.graph.nodes.find(n => n.type === 'LGTSMInpaint')"
        ".widgets.find(w => w.name === 'grow').value = 999"
    )
    status, answer = browser.press_run()
    assert status == 400
    [errors] = answer["node_errors"].values()
    assert errors["class_type"] == "LGTSMInpaint"
    assert errors["errors"][0]["type"] == "value_bigger_than_max"


def test_a_file_saved_before_the_last_input_came_still_opens(browser):
    workflow = _read(ROOT / "workflows" / "lgtsm_01_first_run_no_file_needed.json")
    browser.load()
    browser.open(workflow)
    new = browser.prompt()
    [fill] = [node for node in workflow["nodes"] if node["type"] == "LGTSMInpaint"]
    assert fill["widgets_values"].pop() == "built-in"
    fill["inputs"] = [one for one in fill["inputs"] if one["name"] != "synthesiser"]
    browser.open(workflow)
    assert browser.prompt() == new
