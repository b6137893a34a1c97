"""The workflow files, as far as they can be checked without ComfyUI."""

from __future__ import annotations

import json

import pytest

from tests.nodes.host import ROOT

FILES = sorted((ROOT / "workflows").glob("*.json"))
_TITLE, _ROW = 30, 20
_STEPS = 40
_MINIMAP = (1420, 740)
"""Where the front end's minimap begins, in pixels of the window that the files were made in."""


@pytest.fixture(params=FILES, ids=[path.stem for path in FILES])
def workflow(request) -> dict:
    return json.loads(request.param.read_text(encoding="utf-8"))


def _slot(node: dict, number: int, kind: str) -> tuple[float, float]:
    """Return where a link begins or ends; inputs of widgets take no row of their own."""
    slots = node[kind]
    row = sum("widget" not in slot for slot in slots[:number])
    x = node["pos"][0] + (node["size"][0] if kind == "outputs" else 0)
    return x, node["pos"][1] + (row + 0.7) * _ROW


def _spline(begin, end):
    """Yield points of a link as the canvas draws it."""
    reach = 0.25 * ((end[0] - begin[0]) ** 2 + (end[1] - begin[1]) ** 2) ** 0.5
    points = (begin, (begin[0] + reach, begin[1]), (end[0] - reach, end[1]), end)
    for step in range(1, _STEPS):
        s = step / _STEPS
        shares = ((1 - s) ** 3, 3 * s * (1 - s) ** 2, 3 * s * s * (1 - s), s**3)
        yield tuple(sum(w * p[i] for w, p in zip(shares, points, strict=True)) for i in (0, 1))


def test_no_link_runs_behind_a_node(workflow):
    nodes = {node["id"]: node for node in workflow["nodes"]}
    for _, source, out, target, into, _ in workflow["links"]:
        begin = _slot(nodes[source], out, "outputs")
        for x, y in _spline(begin, _slot(nodes[target], into, "inputs")):
            for node in nodes.values():
                left, top = node["pos"]
                width, height = node["size"]
                inside = left + 2 < x < left + width - 2 and top - _TITLE < y < top + height
                assert not inside, (nodes[source]["type"], nodes[target]["type"], node["type"])


def test_no_node_lies_on_another(workflow):
    boxes = [(*node["pos"], *node["size"], node["type"]) for node in workflow["nodes"]]
    for i, (x, y, w, h, kind) in enumerate(boxes):
        for left, top, width, height, other in boxes[i + 1 :]:
            apart = x + w <= left or left + width <= x
            apart |= y + h <= top - _TITLE or top + height <= y - _TITLE
            assert apart, (kind, other)


def test_the_minimap_covers_no_result(workflow):
    scale, (x, y) = workflow["extra"]["ds"]["scale"], workflow["extra"]["ds"]["offset"]
    for node in workflow["nodes"]:
        if node["type"] in ("SaveVideo", "PreviewImage", "PreviewAny"):
            right = (node["pos"][0] + node["size"][0] + x) * scale
            bottom = (node["pos"][1] + node["size"][1] + y) * scale
            assert right < _MINIMAP[0] or bottom < _MINIMAP[1], node["type"]


def test_files_that_a_workflow_reads_are_shipped(workflow):
    shipped = {path.name for path in (ROOT / "workflows" / "samples").iterdir()}
    for node in workflow["nodes"]:
        if node["type"] in ("LoadVideo", "LoadImage"):
            assert node["widgets_values"][0] in shipped
