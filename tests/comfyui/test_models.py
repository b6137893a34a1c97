"""LoadLGTSM in a real server: built-in, files, and a hub on loopback."""

from __future__ import annotations

import json

import pytest

from lgtsm.weights.catalogue import DEFAULT
from tests.comfyui.conftest import ROW, read_tensors

BUILT_IN, DOWNLOAD = f"{DEFAULT} (built-in)", f"{ROW} (download)"


@pytest.fixture
def load(server):
    """load(model, repo) -> run of LoadLGTSM whose info is shown by node 2."""

    def call(model=BUILT_IN, repo="", dtype="auto", device="auto"):
        inputs = {"model": model, "repo": repo, "dtype": dtype, "device": device}
        return server.run(
            {
                "1": {"class_type": "LoadLGTSM", "inputs": inputs},
                "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 1]}},
            }
        )

    return call


def _choices(server):
    _, nodes = server.call("/object_info/LoadLGTSM")
    kind, settings = nodes["LoadLGTSM"]["input"]["required"]["model"]
    return settings.get("options", kind)


def test_built_in_model_says_what_it_is(load):
    info = json.loads(load().text("2"))
    assert info["name"] == DEFAULT
    assert info["licence"] == "Apache-2.0"
    assert info["parameters"] > 100_000
    assert info["provenance"]


def test_a_row_of_the_catalogue_is_fetched_when_run_and_then_read_offline(
    server, hub, load, published
):
    asked = len(hub.log)
    assert DOWNLOAD in _choices(server)
    assert len(hub.log) == asked  # the list asks nobody
    run = load(DOWNLOAD)
    assert run.status == "success", run.error
    [path] = (server.base / "models" / "lgtsm").glob("a--tiny*.safetensors")
    assert path.read_bytes() == published.data
    assert published.sha256 in path.with_name(path.name + ".sha256").read_text()
    assert sum("/a/tiny/" in path for _, path, _ in hub.log[asked:]) > 0
    listed = _choices(server)
    assert path.name in listed
    assert DOWNLOAD not in listed

    asked = len(hub.log)
    server.call("/free", {"unload_models": True, "free_memory": True})
    run = load(path.name)
    assert run.status == "success", run.error
    assert len(hub.log) == asked  # now nothing is asked any more

    damaged = bytearray(published.data)
    damaged[-5] ^= 1
    path.write_bytes(damaged)
    run = load(path.name)
    assert run.status == "error"
    assert f"Expected {path.name} with SHA-256 {published.sha256[:12]}" in run.error


def test_a_repository_typed_by_hand_is_fetched_and_used(server, hub, load, published, tmp_path):
    hub.repos["b/other"] = hub.repos["a/tiny"]
    run = load(repo="b/other@v1")
    assert run.status == "success", run.error
    assert json.loads(run.text("2"))["family"] == "refine"
    assert (server.base / "models" / "lgtsm" / "b--other@v1--model.safetensors").is_file()


@pytest.mark.parametrize(
    ("repo", "says"),
    [
        ("a/broken", "nothing was kept, load it again."),
        ("a/none", "found no a/none"),
        ("not a repo", "Expected a repository as owner/name"),
        ("a/net:model.pth", "Expected a repository as owner/name"),
        ("a/tiny@refs/pr/1", "got the pull request refs/pr/1"),
    ],
)
def test_what_cannot_be_fetched_is_said_and_leaves_nothing(server, load, repo, says):
    run = load(repo=repo)
    assert run.status == "error"
    assert says in run.error
    left = [p.name for p in (server.base / "models" / "lgtsm").glob("*")]
    assert not [name for name in left if "broken" in name or name.startswith(".fetching")]


def test_a_built_in_name_opens_no_path(server):
    inputs = {"model": "secret (built-in)", "repo": "", "dtype": "auto", "device": "auto"}
    nodes = {
        "1": {"class_type": "LoadLGTSM", "inputs": inputs},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 1]}},
    }
    status, answer = server.call("/prompt", {"prompt": nodes})
    assert status == 400
    assert "secret (built-in)" in json.dumps(answer)


def test_files_that_cannot_open_are_not_offered(server):
    folder = server.base / "models" / "lgtsm"
    folder.mkdir(exist_ok=True)
    (folder / "old.pth").write_bytes(b"\x80\x04.")
    (folder / "disguised.safetensors").write_bytes(b"\x80\x04" + bytes(64))
    assert not {"old.pth", "disguised.safetensors"} & set(_choices(server))


def test_a_loaded_model_is_used_and_can_be_told_where_and_how(server, tmp_path):
    target = tmp_path / "out.pt"
    scene = {"camera": "locked", "frames": 3, "width": 64, "height": 48, "seed": 7}
    from tests.comfyui.conftest import FILL

    fill = {"images": ["2", 0], "mask": ["2", 1], "model": ["1", 0], **FILL}
    load = {"model": BUILT_IN, "repo": "", "dtype": "bf16", "device": "cpu"}
    run = server.run(
        {
            "1": {"class_type": "LoadLGTSM", "inputs": load},
            "2": {"class_type": "LGTSMDemoScene", "inputs": scene},
            "3": {"class_type": "LGTSMInpaint", "inputs": fill},
            "4": {
                "class_type": "ProbeSave",
                "inputs": {"path": str(target), "value": ["3", 3], "second": ["2", 2]},
            },
        }
    )
    assert run.status == "success", run.error
    report, truth, _ = read_tensors(target)
    assert json.loads(report)["dtype"] == "bfloat16"
    assert truth.shape == (3, 48, 64, 3)
