"""The pack's list of nodes, as far as it can be checked without ComfyUI."""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
from enum import Enum

import pytest

from lgtsm.cli.main import build_parser
from lgtsm.knobs import knobs
from lgtsm.mask_options import MaskOptions
from lgtsm.masks.text.options import TextOptions
from lgtsm.metrics.limits import CheckLimits
from lgtsm.options import InpaintOptions, RunOptions, VideoOptions
from lgtsm.track_options import TrackOptions
from lgtsm.weights.header import Card
from lgtsm.weights.save import save_model
from tests.nodes.host import ROOT, listed_nodes
from tests.nodes.write_locale import texts

NODE_FILES = [ROOT / "__init__.py", *sorted((ROOT / "nodes").glob("*.py"))]


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """Return the node classes, listed as ComfyUI does."""
    with listed_nodes(tmp_path_factory.mktemp("comfyui") / "models") as found:
        return {node.define_schema().node_id: node for node in found}


def test_the_nodes_are_those_that_saved_workflows_name(nodes):
    golden = ROOT / "tests" / "comfyui" / "object_info.json"
    assert set(nodes) == set(json.loads(golden.read_text(encoding="utf-8")))


def test_ids_are_unique_within_a_node_and_all_have_tooltips(nodes):
    for node in nodes.values():
        schema = node.define_schema()
        ids = [part.id for part in (*schema.inputs, *schema.outputs)]
        assert len(ids) == len(set(ids)), schema.node_id
        for part in (*schema.inputs, *schema.outputs):
            assert part.tooltip, (schema.node_id, part.id)
            assert part.tooltip.endswith("."), (schema.node_id, part.id)


def test_numbers_have_a_range_and_a_default_in_it(nodes):
    for node in nodes.values():
        for part in node.define_schema().inputs:
            if part.kind in ("Int", "Float"):
                assert part.min <= part.default <= part.max, part.id
            if part.kind == "Combo":
                assert part.default in part.options, part.id


KNOBS = {
    name: knob
    for options in (
        *(InpaintOptions, MaskOptions, RunOptions, VideoOptions, CheckLimits, TextOptions),
        TrackOptions,
    )
    for name, knob in knobs(options).items()
}
_PLATES = {"plate", "plate_frames", "plate_masks"}
_HELP = {"aligner", "carrier"}
PLAIN = {
    # sockets and what only a node has: inputs in place of file names, previews, the model folder
    "LoadLGTSM": {"model", "repo"},
    "MaskVideo": {"images", "mask", "resize", "preview_as", "complete"},
    "LGTSMInpaint": {"images", "mask", "model", "detect_cuts", *_PLATES, *_HELP},
    "LGTSMInpaintVideo": {
        *("video", "mask", "mask_video", "boxes", "model", "detect_cuts", *_PLATES, *_HELP),
    },
    "LGTSMKeyFrames": {"images", "mask", "detect_cuts", *_PLATES},
    "LGTSMKeyFramesVideo": {"video", "mask", "mask_video", "boxes", "detect_cuts", *_PLATES},
    "LGTSMCleanPlate": {"images", "mask", "frame"},
    "LGTSMCheckResult": {"before", "after", "mask", "stop_on_failure", "truth"},
    "LGTSMDemoScene": {"camera", "frames", "width", "height", "seed"},
    "LGTSMVideoFrame": {"video", "frame"},
    "LGTSMCompare": {"before", "after", "mask"},
    "LGTSMCompareVideo": {"before", "after", "mask_video"},
    "LGTSMStaticMask": {"images", "video"},
    "LGTSMTextMask": {"images", "video", "region"},
    "LGTSMMasksBetween": {"masks", "frames", "num_frames"},
    "LGTSMTrackMask": {"images", "painted", "painted_frames", "detect_cuts"},
    "LGTSMTrackMaskVideo": {"video", "painted", "painted_frames", "detect_cuts", "complete"},
    "GenerateFreeFormMasks": {
        *("width", "height", "frames", "seed", "preset", "kind", "coverage", "speed"),
        *("num_strokes", "border", "like"),
    },
}
CHANGED = {
    # a default or range that differs from the library's, with the reason beside its declaration
    ("LGTSMTrackMask", "tracker_model"),
    ("LGTSMTrackMaskVideo", "tracker_model"),
    ("LGTSMInpaint", "grow"),
    ("LGTSMInpaintVideo", "grow"),
    ("LGTSMKeyFrames", "grow"),
    ("LGTSMKeyFramesVideo", "grow"),
    ("LGTSMInpaint", "synthesiser"),
    ("LGTSMInpaintVideo", "synthesiser"),
    ("LGTSMCleanPlate", "grow"),
    ("LGTSMCleanPlate", "source_frames"),
    ("LGTSMCleanPlate", "reach"),
    ("LGTSMCheckResult", "max_seam"),
    ("LGTSMCheckResult", "max_flicker"),
    ("LGTSMCheckResult", "max_residual"),
    ("LoadLGTSM", "device"),
}
_DRAWN_PRESET = ("GenerateFreeFormMasks", "preset")
COMMANDS = {
    "LGTSMInpaint": ("inpaint", {"mask", "model", "plate", "synthesiser"}),
    "LGTSMInpaintVideo": ("inpaint", {"mask", "model", "plate", "synthesiser"}),
    "LGTSMKeyFrames": ("keyframes", {"mask", "plate"}),
    "LGTSMKeyFramesVideo": ("keyframes", {"mask", "plate"}),
    "LGTSMCleanPlate": ("plate", {"mask", "frame"}),
    "LGTSMCheckResult": ("check", {"mask"}),
    "LGTSMDemoScene": ("demo", {"camera", "frames", "seed"}),
    "GenerateFreeFormMasks": (
        "masks draw",
        {"preset", "kind", "coverage", "speed", "frames", "seed"},
    ),
    "MaskVideo": ("inpaint", {"mask", "complete"}),
    "LoadLGTSM": ("inpaint", {"model"}),
    "LGTSMVideoFrame": ("plate", {"frame"}),
    "LGTSMCompare": ("inpaint", {"mask"}),
    "LGTSMCompareVideo": ("inpaint", set()),
    "LGTSMStaticMask": ("masks static", set()),
    "LGTSMTextMask": ("masks text", {"region"}),
    "LGTSMMasksBetween": ("masks between", set()),
    "LGTSMTrackMask": ("track", set()),
    "LGTSMTrackMaskVideo": ("track", set()),
}
"""Node -> its command, and plain inputs that have a flag or argument of the same name there."""


def test_nodes_have_the_options_of_the_library_under_their_names(nodes):
    for name, node in nodes.items():
        for part in node.define_schema().inputs:
            if part.id in PLAIN[name]:
                # a preset is a named set of settings, of drawn masks or of the fill
                assert part.id not in KNOBS or (name, part.id) == _DRAWN_PRESET
                continue
            knob = KNOBS[part.id]
            assert part.tooltip.startswith(knob.text) or (name, part.id) in CHANGED
            if (name, part.id) in CHANGED:
                continue
            plain = knob.default.value if isinstance(knob.default, Enum) else knob.default
            assert part.default == plain, part.id
            if knob.limits is not None:
                assert (part.min, part.max) == knob.limits


def test_nodes_and_command_line_use_the_same_words(nodes):
    for name, node in nodes.items():
        command, shared = COMMANDS[name]
        parser = build_parser()
        for word in command.split():
            [commands] = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
            parser = commands.choices[word]
        words = {
            word.lstrip("-").replace("-", "_")
            for action in parser._actions
            for word in action.option_strings or [action.dest]
        }
        inputs = {part.id for part in node.define_schema().inputs}
        assert shared <= inputs & words, name
        only_here = {"source_frames", "reach"} if name == "LGTSMCleanPlate" else set()
        inputs -= {"preset"} if (name, "preset") == _DRAWN_PRESET else set()
        assert inputs & KNOBS.keys() <= words | only_here, name
        assert not (inputs - KNOBS.keys() - shared) & words, name


def test_english_texts_are_those_of_the_schemas(nodes):
    stored = json.loads((ROOT / "locales" / "en" / "nodeDefs.json").read_text(encoding="utf-8"))
    # python -m tests.nodes.write_locale writes them
    assert stored == {name: texts(node) for name, node in nodes.items()}


def test_chinese_texts_are_complete(nodes):
    stored = json.loads((ROOT / "locales" / "zh" / "nodeDefs.json").read_text(encoding="utf-8"))
    assert stored.keys() == nodes.keys()
    for name, node in nodes.items():
        english, chinese = texts(node), stored[name]
        assert chinese.keys() == english.keys()
        for part in ("inputs", "outputs"):
            assert list(chinese[part]) == list(english[part]), name
        every = [chinese["display_name"], chinese["description"]]
        every += [
            t for p in ("inputs", "outputs") for one in chinese[p].values() for t in one.values()
        ]
        for text in every:
            assert any("\u4e00" <= letter <= "\u9fff" for letter in text), (name, text)


def test_every_node_has_its_help_pages(nodes):
    pages = ROOT / "web" / "docs"
    for name in nodes:
        for page in (pages / f"{name}.md", pages / name / "zh.md"):
            text = page.read_text(encoding="utf-8")
            assert name in text.splitlines()[0]
            assert "## " in text
    assert {path.name.removesuffix(".md") for path in pages.iterdir()} == set(nodes)


def test_models_in_the_folder_are_offered_and_no_network_is_asked(tmp_path, tiny_network):
    with listed_nodes(tmp_path) as found:
        (tmp_path / "lgtsm").mkdir()
        card = Card(spec=tiny_network.spec, licence="Apache-2.0")
        save_model(tiny_network, tmp_path / "lgtsm" / "mine.safetensors", card)
        (tmp_path / "lgtsm" / "notes.txt").write_bytes(b"")
        [model] = [i for i in found[0].define_schema().inputs if i.id == "model"]
    assert model.options == ["refine-small (built-in)", "mine.safetensors"]
    assert model.default == model.options[0]


def test_importing_the_root_imports_nothing():
    code = (
        "import sys; before = set(sys.modules)\n"
        "from tests.nodes.host import load_root\n"
        "import tests.nodes.host as host; before |= set(sys.modules)\n"
        "load_root()\n"
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['a_pack_of_nodes']"


@pytest.mark.parametrize("path", NODE_FILES, ids=[path.name for path in NODE_FILES])
def test_no_node_swallows_an_interruption(path):
    """Its base class differs between versions: where it is Exception, a broad except eats it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None
            caught = {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}
            assert not caught & {"Exception", "BaseException"}


@pytest.mark.parametrize("word", ["watermark", "remove object", "clean plate", "wire removal"])
def test_words_that_people_search_for_find_a_node(nodes, word):
    schemas = [node.define_schema() for node in nodes.values()]
    found = [s.node_id for s in schemas if any(word in alias for alias in s.search_aliases)]
    assert "LGTSMInpaint" in found


def test_beginners_see_one_widget_for_quality_and_few_others(nodes):
    for name in ("LGTSMInpaint", "LGTSMInpaintVideo"):
        inputs = nodes[name].define_schema().inputs
        kinds = ("Int", "Float", "Combo", "Boolean")
        shown = {i.id for i in inputs if i.kind in kinds and not getattr(i, "advanced", False)}
        assert shown <= {"grow", "preset", "length", "quality", "lossless"}, name
        last = ["preset", "unseen", "plate_masks", "synthesiser", "aligner", "carrier"]
        last += ["grow_percent"]
        assert [one.id for one in inputs[-7:]] == last
        assert all(one.optional for one in inputs[-4:])
