"""Weights of a hub in a folder of the user's own: whole, checked, and without a network later."""

from __future__ import annotations

import hashlib
import json

import pytest

from lgtsm.weights.header import Card
from lgtsm.weights.hub import HubFile, parse_hub_file
from lgtsm.weights.save import save_model
from lgtsm.weights.shelf import shelf_name

FETCH = (
    "import json, sys\n"
    "from pathlib import Path\n"
    "from lgtsm.errors import WeightsError\n"
    "from lgtsm.weights.hub import parse_hub_file\n"
    "from lgtsm.weights.shelf import fetch_into\n"
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
def shelf(client, tmp_path):
    """shelf(hub_file, sha256="") -> (path, message) of a process of its own; `shelf.folder`."""

    def fetch(text, sha256="", **environment):
        [answer] = client(str(tmp_path / "shelf"), text, sha256, code=FETCH, **environment)
        return answer

    fetch.folder = tmp_path / "shelf"
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
    assert shelf_name(parse_hub_file(text)) == name
    assert shelf_name(HubFile(repo="a/b")) == "a--b--model.safetensors"


def test_file_is_fetched_once_and_lies_there_with_its_hash_alone(hub, shelf, make_repo, weights):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights})
    path, message = shelf("a/b")
    assert message == ""
    assert sorted(p.name for p in shelf.folder.iterdir()) == [
        "a--b--model.safetensors",
        "a--b--model.safetensors.sha256",
    ]
    assert (shelf.folder / "a--b--model.safetensors").read_bytes() == weights
    asked = len(hub.log)
    assert shelf("a/b", HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:9") == [path, ""]
    assert len(hub.log) == asked


@pytest.mark.parametrize("fault", ["tampered", "truncated", "down"])
def test_what_does_not_arrive_whole_leaves_nothing(hub, shelf, make_repo, weights, fault):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights}, fault=fault)
    path, message = shelf("a/b")
    assert path == ""
    assert message.startswith("Expected ")
    assert not shelf.folder.exists() or list(shelf.folder.iterdir()) == []


def test_another_hash_than_the_catalogues_is_refused_before_and_after(
    hub, shelf, make_repo, weights
):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights})
    right = hashlib.sha256(weights).hexdigest()
    assert "as in the catalogue" in shelf("a/b", "0" * 64)[1]
    assert shelf("a/b", right)[1] == ""
    kept = shelf.folder / "a--b--model.safetensors"
    kept.write_bytes(weights[:-1] + b"\x00")
    assert "delete the file and load it again" in shelf("a/b", right)[1]
    assert "delete the file and load it again" in shelf("a/b")[1]


def test_files_of_other_programs_get_no_place(hub, shelf, make_repo):
    header = json.dumps({}).encode()
    other = len(header).to_bytes(8, "little") + header
    hub.repos["a/b"] = make_repo({"model.safetensors": other})
    assert "written by this package" in shelf("a/b")[1]
    assert list(shelf.folder.iterdir()) == []
