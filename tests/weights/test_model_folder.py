"""Weights of a hub in a models folder: complete, checked, and later without a network."""

from __future__ import annotations

import hashlib
import json
import os
import time

import pytest

from lgtsm.weights.header import Card
from lgtsm.weights.hub_file import HubFile, parse_hub_file
from lgtsm.weights.model_folder import local_name
from lgtsm.weights.save import save_model

FETCH = (
    "import json, sys\n"
    "from pathlib import Path\n"
    "from lgtsm.errors import WeightsError\n"
    "from lgtsm.weights.hub_file import parse_hub_file\n"
    "from lgtsm.weights.model_folder import fetch_into\n"
    "folder, text, sha256 = sys.argv[1:]\n"
    "try: answer = str(fetch_into(Path(folder), parse_hub_file(text), sha256=sha256 or None)), ''\n"
    "except WeightsError as error: answer = '', str(error)\n"
    "print(json.dumps(answer))\n"
)


@pytest.fixture
def weights(tiny_network, tmp_path):
    path = tmp_path / "made" / "tiny.safetensors"
    save_model(tiny_network, path, Card(spec=tiny_network.spec, licence="Apache-2.0"))
    return path.read_bytes()


@pytest.fixture
def fetch_in_folder(client, tmp_path):
    """fetch_in_folder(hub_file, sha256="") -> (path, message) of a process of its own; `fetch_in_folder.folder`."""

    def fetch(text, sha256="", **environment):
        [answer] = client(str(tmp_path / "models"), text, sha256, code=FETCH, **environment)
        return answer

    fetch.folder = tmp_path / "models"
    return fetch


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a/b", "a--b--model.safetensors"),
        ("a/b@v1:x/y.safetensors", "a--b@v1--x--y.safetensors"),
        ("a/b:v1/x/y.safetensors", "a--b--v1--x--y.safetensors"),
    ],
)
def test_names_tell_where_a_file_came_from(text, name):
    assert local_name(parse_hub_file(text)) == name
    assert local_name(HubFile(repo="a/b")) == "a--b--model.safetensors"


@pytest.mark.parametrize(
    "texts",
    [
        ("a/b:c/d.safetensors", "a/b:c--d.safetensors"),
        ("a/b@x/y:z.safetensors", "a/b@x:y/z.safetensors"),
        ("a/b@x-:z.safetensors", "a/b@x:-z.safetensors"),
        (f"a/b:{'x' * 300}.safetensors", f"a/b:{'x' * 301}.safetensors"),
    ],
)
def test_no_two_files_have_one_name(texts):
    first, second = (
        local_name(parse_hub_file(text) or HubFile(repo="a/b", revision="x", file="-z.safetensors"))
        for text in texts
    )
    assert first != second
    assert max(len(first), len(second)) < 240
    assert not {*first} & {*'/\\:*?"<>|'}


def test_a_file_whose_name_differs_in_case_alone_is_not_taken_for_another(
    hub, fetch_in_folder, make_repo, weights
):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights})
    assert fetch_in_folder("a/b")[1] == ""
    beside = fetch_in_folder.folder / "a--b--model.safetensors.sha256"
    beside.write_text(beside.read_text().replace("# a/b", "# A/b"))  # as on Windows and macOS
    assert "got A/b, whose name differs in case alone" in fetch_in_folder("a/b")[1]


def test_downloads_that_a_killed_process_left_are_removed(hub, fetch_in_folder, make_repo, weights):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights})
    old, new = (fetch_in_folder.folder / f".fetching-{age}" for age in ("old", "new"))
    for folder in (old, new):
        (folder / ".cache").mkdir(parents=True)
        (folder / ".cache" / "net.incomplete").write_bytes(b"half")
    long_ago = time.time() - 7200
    for path in (old / ".cache" / "net.incomplete", old / ".cache", old):
        os.utime(path, (long_ago, long_ago))
    assert fetch_in_folder("a/b")[1] == ""
    assert not old.exists()
    assert (new / ".cache" / "net.incomplete").exists()  # perhaps another process's, at work


def test_file_is_fetched_once_and_stored_with_its_hash_alone(
    hub, fetch_in_folder, make_repo, weights
):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights})
    path, message = fetch_in_folder("a/b")
    assert message == ""
    assert sorted(p.name for p in fetch_in_folder.folder.iterdir()) == [
        "a--b--model.safetensors",
        "a--b--model.safetensors.sha256",
    ]
    assert (fetch_in_folder.folder / "a--b--model.safetensors").read_bytes() == weights
    asked = len(hub.log)
    assert fetch_in_folder("a/b", HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:9") == [
        path,
        "",
    ]
    assert len(hub.log) == asked


@pytest.mark.parametrize("fault", ["tampered", "truncated", "down"])
def test_an_incomplete_download_leaves_nothing(hub, fetch_in_folder, make_repo, weights, fault):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights}, fault=fault)
    path, message = fetch_in_folder("a/b")
    assert path == ""
    assert message.startswith("Expected ")
    assert not fetch_in_folder.folder.exists() or list(fetch_in_folder.folder.iterdir()) == []


def test_another_hash_than_the_catalogues_is_refused_before_and_after(
    hub, fetch_in_folder, make_repo, weights
):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights})
    right = hashlib.sha256(weights).hexdigest()
    assert "as in the catalogue" in fetch_in_folder("a/b", "0" * 64)[1]
    assert fetch_in_folder("a/b", right)[1] == ""
    kept = fetch_in_folder.folder / "a--b--model.safetensors"
    kept.write_bytes(weights[:-1] + b"\x00")
    assert "delete the file and load it again" in fetch_in_folder("a/b", right)[1]
    assert "delete the file and load it again" in fetch_in_folder("a/b")[1]


def test_files_of_other_programs_are_refused(hub, fetch_in_folder, make_repo):
    header = json.dumps({}).encode()
    other = len(header).to_bytes(8, "little") + header
    hub.repos["a/b"] = make_repo({"model.safetensors": other})
    assert "written by this package" in fetch_in_folder("a/b")[1]
    assert not fetch_in_folder.folder.exists()
    assert not [path for method, path, _ in hub.log if method == "GET" and "/a/b/" in path]
