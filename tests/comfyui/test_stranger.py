"""A server runs workflows of anybody's: what they may not reach, fetch, learn or ask for."""

from __future__ import annotations

import json
import os
import time

import pytest

from lgtsm.weights.catalogue import DEFAULT
from tests.weights.conftest import Repo

LOAD = {"model": f"{DEFAULT} (built-in)", "repo": "", "dtype": "auto", "device": "auto"}
DRAW = {"width": 64, "height": 48, "frames": 2, "preset": "custom", "kind": "box"}
DRAW |= {"coverage": 0.1, "speed": 1.0, "num_strokes": 0, "border": 0, "seed": 1}
SCENE = {"camera": "locked", "frames": 2, "width": 64, "height": 48, "seed": 7}


@pytest.fixture
def ask(server):
    """ask(node, inputs) -> run of one node whose second output is shown by node 2."""

    def call(kind, inputs):
        shown = {"class_type": "PreviewAny", "inputs": {"source": ["1", 1]}}
        return server.run({"1": {"class_type": kind, "inputs": inputs}, "2": shown})

    return call


@pytest.mark.parametrize(
    ("name", "says"),
    [("s/huge", "at most 1,073,741,824 bytes"), ("s/other", "written by this package")],
)
def test_what_cannot_be_used_is_not_even_fetched(name, says, server, hub, published, ask):
    header = b'{"x":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}'
    other = len(header).to_bytes(8, "little") + header + bytes(8)
    hub.repos["s/huge"] = Repo({"model.safetensors": published.data}, fault="huge")
    hub.repos["s/other"] = Repo({"model.safetensors": other})
    run = ask("LoadLGTSM", LOAD | {"repo": name})
    assert run.status == "error"
    assert says in run.error
    assert not [path for kind, path, _ in hub.log if kind == "GET" and f"/{name}/" in path]
    folder = server.base / "models" / "lgtsm"
    assert not [p.name for p in folder.glob("*") if p.name.startswith((".", "s--"))]


def test_names_stay_apart_and_half_downloads_go(server, hub, published, ask):
    files = dict.fromkeys(("c/d.safetensors", "c--d.safetensors"), published.data)
    hub.repos["s/two"] = Repo(files)
    folder = server.base / "models" / "lgtsm"
    half = folder / ".fetching-killed" / "net.incomplete"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    for path in (half, half.parent):
        os.utime(path, (time.time() - 7200,) * 2)
    for file in files:
        run = ask("LoadLGTSM", LOAD | {"repo": f"s/two:{file}"})
        assert run.status == "success", run.error
        assert json.loads(run.text("2"))["family"] == "refine"
    assert len([*folder.glob("s--two--*.safetensors")]) == 2
    assert not half.parent.exists()


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("GenerateFreeFormMasks", DRAW | {"width": 16384, "height": 16384, "frames": 100000}),
        ("GenerateFreeFormMasks", DRAW | {"preset": "object_like", "frames": 100000}
         | {"width": 1024, "height": 1024}),
        ("LGTSMDemoScene", SCENE | {"frames": 1000, "width": 3840, "height": 2160}),
    ],
)  # fmt: skip
def test_clips_beyond_the_memory_of_a_server_are_refused_at_once(kind, inputs, ask):
    run = ask(kind, inputs)
    assert run.status == "error"
    assert "Expected a clip of at most 8 GiB" in run.error
    assert "lower their number or size" in run.error
