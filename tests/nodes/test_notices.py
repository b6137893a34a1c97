"""Warnings of the library on the node that runs."""

from __future__ import annotations

import importlib
import logging
import sys
from types import ModuleType, SimpleNamespace

import pytest

from tests.nodes.host import listed_nodes


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """Return (notices module, library's logger, texts sent to nodes)."""
    sent = []
    server = ModuleType("server")
    server.PromptServer = SimpleNamespace(
        instance=SimpleNamespace(send_progress_text=lambda text, node: sent.append((node, text)))
    )
    monkeypatch.setitem(sys.modules, "server", server)
    with listed_nodes(tmp_path / "models") as nodes:
        package = nodes[0].__module__.rpartition(".")[0]
        notices = importlib.import_module(f"{package}.notices")
        yield notices, logging.getLogger(f"{notices.LIBRARY}.api"), sent


def test_warnings_are_shown_on_the_node_at_once_and_stay(shown):
    notices, log, sent = shown
    with notices.shown_on("7"):
        log.warning("the mask covers %d%%", 97)
        assert sent == [("7", "Warning: the mask covers 97%")]
        log.info("nothing of interest")
        log.warning("x.png is drawn in colours")
    assert sent[1:] == [("7", "Warning: the mask covers 97%\nWarning: x.png is drawn in colours")]
    log.warning("later")
    assert len(sent) == 2


def test_how_the_work_ended_comes_after_the_warnings(shown):
    notices, _, sent = shown
    with notices.shown_on("7") as shown_there:
        shown_there.warn("the mask is empty")
        shown_there.tell("")
        shown_there.tell("Done.")
    assert sent[-1] == ("7", "Warning: the mask is empty\nDone.")
    assert len(sent) == 2


def test_long_lines_break_between_words(shown):
    notices, _, sent = shown
    told = "Masked pixels: 6% copied from other frames, 88% invented, 6% filled by the network."
    with notices.shown_on("7") as shown_there:
        shown_there.tell(told)
    rows = sent[-1][1].split("\n")
    assert " ".join(rows) == told
    assert max(map(len, rows)) <= 44


def test_without_a_node_nothing_is_sent(shown):
    notices, log, sent = shown
    with notices.shown_on(None) as nowhere:
        log.warning("a warning")
        nowhere.tell("Done.")
    assert sent == []


def test_nodes_that_take_a_mask_know_which_they_are(tmp_path):
    with listed_nodes(tmp_path / "models") as nodes:
        schemas = {node.__name__: node.define_schema() for node in nodes}
    for name in ("LGTSMInpaint", "LGTSMInpaintVideo", "MaskVideo"):
        assert schemas[name].hidden == ["UNIQUE_ID"]
