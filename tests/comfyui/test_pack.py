"""The pack in a real server: it loads, says what it should, and changes nothing around it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import tomllib
import torch

from tests.comfyui.conftest import FILL, cancelled, long_job, read_tensors
from tests.comfyui.serving import NEWEST, OLDEST, PACK, ROOT, Server, prepare_base, serve

GOLDEN = Path(__file__).with_name("object_info.json")
IDS = (
    "LoadLGTSM",
    "MaskVideo",
    "LGTSMInpaint",
    "LGTSMInpaintVideo",
    "GenerateFreeFormMasks",
    "LGTSMDemoScene",
    "LGTSMCheckResult",
    "LGTSMCleanPlate",
    "LGTSMVideoFrame",
    "LGTSMCompare",
    "LGTSMKeyFrames",
    "LGTSMKeyFramesVideo",
    "LGTSMStaticMask",
    "LGTSMTextMask",
    "LGTSMMasksBetween",
    "LGTSMTrackMask",
    "LGTSMTrackMaskVideo",
    "LGTSMCompareVideo",
)


def _facts(server: Server) -> dict:
    """Return ids, inputs, defaults, ranges and outputs of our nodes; not their texts."""
    _, nodes = server.call("/object_info")
    ours = {k: v for k, v in nodes.items() if v["python_module"] == f"custom_nodes.{PACK}"}
    facts = {}
    for name, node in sorted(ours.items()):
        inputs = {}
        for part, group in node["input"].items():
            if part == "hidden":
                continue
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
        for part, group in node["input"].items():
            if part == "hidden":  # what the server itself passes
                continue
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


@pytest.fixture(scope="module")
def oldest(cache, tmp_path_factory):
    """Return the oldest supported server; half precision is asked for, as by some users."""
    base = prepare_base(tmp_path_factory.mktemp("oldest") / "base")
    with serve(cache, base, OLDEST, "--force-fp16") as server:
        yield server


def _scene(frames, width=96, height=64):
    scene = {"camera": "locked", "frames": frames, "width": width, "height": height, "seed": 7}
    return {"class_type": "LGTSMDemoScene", "inputs": scene}


def test_oldest_supported_server_loads_the_same_nodes(oldest):
    _check_loaded(oldest)
    _check_golden(_facts(oldest))


def test_oldest_supported_server_repairs_frames_and_videos(oldest, tmp_path):
    target = tmp_path / "frames.pt"
    save = {"filename_prefix": "video/old", "format": "auto", "codec": "auto"}
    fill = {**FILL, "boxes": "", "length": "error", "quality": 16, "lossless": False}
    run = oldest.run(
        {
            "1": _scene(4),
            "2": {
                "class_type": "LGTSMInpaint",
                "inputs": {"images": ["1", 0], "mask": ["1", 1], **FILL},
            },
            "3": {
                "class_type": "ProbeSave",
                "inputs": {
                    "path": str(target),
                    "value": ["1", 0],
                    "second": ["2", 0],
                    "third": ["2", 2],
                },
            },
            "4": {"class_type": "LoadVideo", "inputs": {"file": "lgtsm_sample_clip.mp4"}},
            "5": {"class_type": "LoadVideo", "inputs": {"file": "lgtsm_sample_mask.mp4"}},
            "6": {
                "class_type": "LGTSMInpaintVideo",
                "inputs": {"video": ["4", 0], "mask_video": ["5", 0], **fill},
            },
            "7": {"class_type": "SaveVideo", "inputs": {"video": ["6", 0], **save}},
        }
    )
    assert run.status == "success", run.error
    images, repaired, used = read_tensors(target)
    assert torch.equal(repaired[used == 0], images[used == 0])
    assert not torch.equal(repaired, images)
    assert oldest.saved(run, "7").stat().st_size > 1000


def test_cancel_stops_the_oldest_server_too(oldest, tmp_path):
    """Its interruption is an Exception, which a broad except would take for an error."""

    run = cancelled(oldest, long_job(tmp_path))
    assert run.events[-1]["type"] == "execution_interrupted"
    assert not (tmp_path / "never.pt").exists()


def test_installing_requirements_changes_nothing(cache):
    python = str(cache / "venv" / "bin" / "python")

    def freeze() -> str:
        done = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, check=True)
        return done.stdout.decode()

    before = freeze()
    requirements = str(ROOT / "requirements.txt")
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", requirements], check=True)
    assert freeze() == before


@pytest.mark.parametrize("version", [NEWEST, OLDEST])
def test_what_the_library_needs_comes_with_comfyui(cache, version):
    """Compare the wheel's dependencies with ComfyUI's own, so that the pack need install none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (cache / f"ComfyUI-{version}" / "requirements.txt").read_text(encoding="utf-8")
    theirs = {_name(line) for line in text.splitlines() if line.strip() and line[0] != "#"}
    assert "transformers" in theirs
    theirs |= {"huggingface-hub", "filelock"}  # transformers and torch need them
    assert {_name(line) for line in project["dependencies"]} <= theirs


def _name(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")
