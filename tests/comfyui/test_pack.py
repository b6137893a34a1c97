"""The pack in a real server: it loads, says what it should, and changes nothing around it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.comfyui.serving import OLDEST, PACK, ROOT, Server, prepare_base, serve

GOLDEN = Path(__file__).with_name("object_info.json")
IDS = (
    "LoadLGTSM",
    "MaskVideo",
    "LGTSMInpaint",
    "LGTSMInpaintVideo",
    "GenerateFreeFormMasks",
    "LGTSMDemoScene",
    "LGTSMCheckResult",
)


def _facts(server: Server) -> dict:
    """Return ids, inputs, defaults, ranges and outputs of our nodes; not their texts."""
    _, nodes = server.call("/object_info")
    ours = {k: v for k, v in nodes.items() if v["python_module"] == f"custom_nodes.{PACK}"}
    facts = {}
    for name, node in sorted(ours.items()):
        inputs = {}
        for part, group in node["input"].items():
            for key, (kind, *more) in group.items():
                settings = dict(more[0]) if more else {}
                for text in ("tooltip", "advanced", "display_name"):
                    settings.pop(text, None)
                # a combo's values are beside the type on older servers, in it on newer ones
                options = settings.pop("options", kind if isinstance(kind, list) else None)
                if options is not None:
                    kind = "COMBO"
                    # files of the model folder come and go, as does the row of the tests
                    files = (name, key) == ("LoadLGTSM", "model")
                    settings["options"] = [o for o in options if not files or "built-in" in o]
                settings.pop("multiselect", None)
                inputs[key] = {"part": part, "type": kind, **dict(sorted(settings.items()))}
        facts[name] = {
            "category": node["category"],
            "output_node": node["output_node"],
            "inputs": inputs,
            "outputs": dict(zip(node["output_name"], node["output"], strict=True)),
        }
    return facts


def _check_loaded(server: Server) -> None:
    failed = [line for line in server.log.splitlines() if "IMPORT FAILED" in line and PACK in line]
    assert not failed, server.log[-4000:]
    assert "Error while calling comfy_entrypoint" not in server.log


def _check_golden(facts: dict) -> None:
    if os.environ.get("LGTSM_WRITE_GOLDEN"):
        GOLDEN.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    assert facts == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_pack_loads_and_its_nodes_are_the_frozen_ones(server):
    _check_loaded(server)
    facts = _facts(server)
    assert set(facts) == set(IDS)
    _check_golden(facts)


def test_every_input_and_output_has_a_tooltip_and_every_node_a_description(server):
    _, nodes = server.call("/object_info")
    for name in IDS:
        node = nodes[name]
        assert len(node["description"]) > 40
        assert all(node["output_tooltips"]), name
        for group in node["input"].values():
            for key, (_, *more) in group.items():
                assert more, (name, key)
                assert len(more[0]["tooltip"]) > 10, (name, key)
        assert node["search_aliases"], name


def test_help_pages_and_locales_are_served(server):
    for name in IDS:
        assert name.encode() in server.fetch(f"/extensions/{PACK}/docs/{name}.md")
        assert "## " in server.fetch(f"/extensions/{PACK}/docs/{name}/zh.md").decode()
    _, texts = server.call("/i18n")
    assert set(IDS) <= set(texts["en"]["nodeDefs"])
    assert set(IDS) <= set(texts["zh"]["nodeDefs"])


def test_workflows_are_offered_as_templates(server):
    _, packs = server.call("/workflow_templates")
    shipped = {path.stem for path in (ROOT / "workflows").glob("*.json")}
    assert shipped
    assert set(packs[PACK]) == shipped
    for name in shipped:
        picture = server.fetch(f"/api/workflow_templates/{PACK}/{name}.jpg")
        assert picture[:2] == b"\xff\xd8"


@pytest.mark.slow
def test_oldest_supported_server_loads_the_same_nodes_and_runs_them(cache, tmp_path):
    with serve(cache, prepare_base(tmp_path / "base"), OLDEST) as server:
        _check_loaded(server)
        _check_golden(_facts(server))
        run = server.run(
            {
                "1": {
                    "class_type": "LGTSMDemoScene",
                    "inputs": {
                        "camera": "locked",
                        "frames": 4,
                        "width": 64,
                        "height": 48,
                        "seed": 7,
                    },
                },
                "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
            }
        )
        assert run.status == "success", run.error


def test_installing_the_pack_installs_no_package():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert all(line.startswith("#") or not line.strip() for line in lines)


def test_installing_requirements_changes_nothing(cache):
    python = str(cache / "venv" / "bin" / "python")

    def freeze() -> str:
        done = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, check=True)
        return done.stdout.decode()

    before = freeze()
    requirements = str(ROOT / "requirements.txt")
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", requirements], check=True)
    assert freeze() == before
