"""Weights from a hub: a real client and a real server on loopback."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from lgtsm.errors import WeightsError
from lgtsm.weights.catalogue import ON_HUB
from lgtsm.weights.header import Card
from lgtsm.weights.hub_file import HubFile, parse_hub_file
from lgtsm.weights.load import load_model
from lgtsm.weights.save import save_model

COMMIT, NEXT = "a1" * 20, "b2" * 20


@pytest.fixture
def weights(tiny_network, tmp_path):
    """Return the bytes of a weight file."""
    path = tmp_path / "made" / "tiny.safetensors"
    save_model(tiny_network, path, Card(spec=tiny_network.spec, licence="Apache-2.0"))
    return path.read_bytes()


def _files(cache):
    """Return the names of everything in the cache that could pass for a model."""
    found = (path for part in ("blobs", "snapshots") for path in cache.glob(f"*/{part}/**/*"))
    return sorted(path.name for path in found if not path.is_dir())


@pytest.mark.parametrize(
    ("text", "repo", "revision", "file"),
    [
        ("a/b", "a/b", "main", "model.safetensors"),
        ("a-b/C_d.e@v1.0", "a-b/C_d.e", "v1.0", "model.safetensors"),
        ("a/b:x/y.safetensors", "a/b", "main", "x/y.safetensors"),
        ("a/b@refs/pr/1:n.safetensors", "a/b", "refs/pr/1", "n.safetensors"),
    ],
)
def test_hub_files_are_parsed_and_written(text, repo, revision, file):
    hub_file = parse_hub_file(text)
    assert hub_file == HubFile(repo=repo, revision=revision, file=file)
    assert str(hub_file) == text


OTHER_TEXTS = r"""
name a/b/c ./a/b ../a /a/b a/b: a/b@ a/b@../../x a/b@/x a/b:../x.safetensors a/b:n.pth a/n.pth
a/net.safetensors a/b:/x.safetensors C:/a/b a\b http://a/b a/b@x@y
"""


@pytest.mark.parametrize("text", OTHER_TEXTS.split())
def test_other_texts_are_paths(text, one_sentence):
    assert parse_hub_file(text) is None
    with pytest.raises(WeightsError, match="hub") as caught:
        load_model(text)
    one_sentence(caught.value)


def test_catalogue_of_hubs_lists_only_what_exists():
    assert dict(ON_HUB) == {}


def test_file_is_fetched_once_and_then_read_without_any_request(hub, client, make_repo, weights):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights, "x/small.safetensors": weights})
    (first, _), (other, _), (old, _) = client("a/b", "a/b:x/small.safetensors", f"a/b@{COMMIT}")
    for path in (first, other, old):
        assert Path(path).read_bytes() == weights
    gets = [path for method, path, _ in hub.log if method == "GET" and "/a/b/" in path]
    assert gets == ["/a/b/model.safetensors"]  # one blob serves both names
    asked = len(hub.log)
    hub.repos["a/b"].refs = {"main": NEXT}  # the cached commit stays
    assert client("a/b", "a/b:x/small.safetensors") == [[first, ""], [other, ""]]
    assert len(hub.log) == asked
    [[offline, _]] = client("a/b", HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:9")
    assert offline == first


@pytest.mark.slow
def test_model_is_loaded_by_name_from_the_hub_and_from_the_cache(
    hub, client, make_repo, weights, tiny_network, tmp_path
):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights})
    code = (
        "import json, sys, torch\n"
        "from lgtsm.weights.load import find_weights, load_model\n"
        "find_weights(), find_weights(__import__('os').__file__)\n"
        "assert 'huggingface_hub' not in sys.modules  # own and local files need no client\n"
        "network = load_model('a/b@v1')\n"
        "torch.save(network.state_dict(), sys.argv[1])\n"
        "print(json.dumps([network.name, network.training]))\n"
        "assert load_model('a/b@v1').name == 'a/b@v1'\n"
    )
    assert client(str(tmp_path / "state"), code=code) == [["a/b@v1", False]]
    state = torch.load(tmp_path / "state", weights_only=True)  # noqa: TID251  our own file
    expected = tiny_network.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in state.items())
    assert sum(method == "GET" and "/a/b/" in path for method, path, _ in hub.log) == 1


def test_each_refusal_is_one_sentence_and_leaves_nothing(
    hub, client, make_repo, weights, one_sentence
):
    files = {"model.safetensors": weights}
    hub.repos |= {
        "a/whole": make_repo(files),
        "a/gated": make_repo(files, gated=True),
        "a/private": make_repo(files, token="hf_right"),
        **{
            f"a/{fault.replace(' ', '-')}": make_repo(files, fault=fault)
            for fault in ("truncated", "tampered", "down", "not a hub", "plain git", "huge")
        },
        "a/other": make_repo({"model.safetensors": b"\x02" + bytes(7) + b"{}" + bytes(64)}),
        "a/pickle": make_repo({"model.safetensors": b"\x80\x04" + bytes(64)}),
    }
    expected = {
        "a/none": "found no a/none",
        "a/private": "HF_TOKEN if the repository is private",
        "a/gated": "accept its terms",
        "a/whole@v9": "branch, tag or commit",
        "a/whole:other.safetensors": "other.safetensors in a/whole",
        "a/truncated": "Consistency check",
        "a/tampered": "removed from the cache",
        "a/down": "503",
        "a/not-a-hub": "none from the hub",
        "a/plain-git": "none from the hub",
        "a/huge": "at most 1,073,741,824 bytes, got 1,099,511,627,776",
        "a/other": "written by this package, got a/other",
        "a/pickle": "from http",
    }
    unfit = ("a/huge", "a/other", "a/pickle")
    answers = dict(zip(expected, client(*expected), strict=True))
    for hub_file, (path, message) in answers.items():
        assert path == ""
        assert expected[hub_file] in message, hub_file
        one_sentence(WeightsError(message))
    fetched = {path.rpartition("/")[0][1:] for method, path, _ in hub.log if method == "GET"}
    assert "a/truncated" in fetched
    assert not fetched & {*unfit}  # not even begun
    by_hand = f"{hub.endpoint}/a/truncated/resolve/main/model.safetensors"
    assert by_hand in answers["a/truncated"][1]
    assert _files(client.cache) == []
    for repo in hub.repos.values():
        repo.fault = ""
    (path, message), *_ = client("a/truncated", "a/tampered")
    assert Path(path).read_bytes() == weights, message


def test_nobody_answering_and_offline_say_so_at_once(hub, client, one_sentence):
    [[_, message]] = client("a/b", HF_ENDPOINT="http://127.0.0.1:9")
    assert "http://127.0.0.1:9/a/b/resolve/main/model.safetensors by hand" in message
    one_sentence(WeightsError(message))
    [[_, message]] = client("a/b", HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE" in message
    one_sentence(WeightsError(message))
    assert hub.log == []


def test_token_opens_a_private_repository_and_stays_with_the_hub(
    hub, client, make_repo, weights, one_sentence
):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights}, token="hf_right")
    [[_, message]] = client("a/b", HF_TOKEN="hf_wrong")
    assert "renew HF_TOKEN" in message
    one_sentence(WeightsError(message))
    [[path, _]] = client("a/b", HF_TOKEN="hf_right")
    assert Path(path).read_bytes() == weights
    assert {sent for _, path, sent in hub.log if path == "/a/b/model.safetensors"} == {""}


def test_interrupted_transfer_is_taken_up_again(hub, client, make_repo, weights):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights}, fault="interrupted once")
    [[path, message]] = client("a/b")
    assert path, message
    assert Path(path).read_bytes() == weights
    gets = [path for method, path, _ in hub.log if method == "GET"]
    assert gets.count("/a/b/model.safetensors") == 2


@pytest.mark.slow
def test_half_a_file_of_a_killed_process_is_no_model(hub, client, make_repo, weights):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights}, fault="stalled")
    process = client.start("a/b")
    assert hub.stalled.wait(60)
    process.kill()
    process.communicate()
    assert any(name.endswith(".incomplete") for name in _files(client.cache))
    [[path, message]] = client("a/b", HF_HUB_OFFLINE="1")
    assert (path, "HF_HUB_OFFLINE" in message) == ("", True)
    hub.repos["a/b"].fault = ""
    [[path, _]] = client("a/b")
    assert Path(path).read_bytes() == weights


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "changed", "behind two links"])
def test_cached_file_that_changed_is_dropped_and_fetched_again(
    damage, hub, client, make_repo, weights, one_sentence
):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights})
    [[path, _]] = client("a/b")
    blob = Path(path).resolve()
    if damage == "behind two links":  # the store that the client shares among repositories
        store = client.cache / "blobs" / "cd" / ("cd" * 32)
        store.parent.mkdir(parents=True)
        blob.rename(store)
        blob.symlink_to(Path("..") / ".." / store.relative_to(client.cache))
        assert client("a/b", HF_HUB_OFFLINE="1") == [[path, ""]]
        blob = store
    blob.write_bytes(weights[:-9] if damage == "cut" else weights[:-9] + b"123456789")
    [[none, message]] = client("a/b", HF_HUB_OFFLINE="1")
    assert none == ""
    assert hashlib.sha256(weights).hexdigest() in message
    one_sentence(WeightsError(message))
    assert not blob.exists()
    assert _files(client.cache) == []
    [[path, _]] = client("a/b")
    assert Path(path).read_bytes() == weights


def test_file_outside_the_cache_is_never_removed(hub, client, make_repo, weights, tmp_path):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights})
    [[path, _]] = client("a/b")
    mine = tmp_path / ("0" * 64)
    mine.write_bytes(weights)
    Path(path).unlink()
    Path(path).symlink_to(mine)
    [[_, message]] = client("a/b", HF_HUB_OFFLINE="1")
    assert "removed" in message
    assert mine.read_bytes() == weights


@pytest.mark.slow
def test_cache_without_links_is_checked_when_it_is_filled(
    hub, client, make_repo, weights, one_sentence
):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights}, fault="tampered")
    [[_, message]] = client("a/b", HF_HUB_DISABLE_SYMLINKS="1")
    assert "removed from the cache" in message
    one_sentence(WeightsError(message))
    assert _files(client.cache) == []
    hub.repos["a/b"].fault = ""
    [[path, _]] = client("a/b", HF_HUB_DISABLE_SYMLINKS="1")
    assert not Path(path).is_symlink()
    assert client("a/b", HF_HUB_OFFLINE="1") == [[path, ""]]


ROW = """
import json, sys
from lgtsm.errors import WeightsError
from lgtsm.weights import load
from lgtsm.cli import models
from lgtsm.weights.catalogue import OnHub

commit, right, wrong = sys.argv[1:]
models.print = lambda line: lines.append(line)
for sha256 in (wrong, right, wrong):
    row = OnHub(name="net", repo="a/b", revision=commit, family="refine", licence="Apache-2.0",
                sha256=sha256)
    load.ON_HUB = models.ON_HUB = {"net": row}
    answers, lines = [], []
    for text in ("net", f"a/b@{commit}"):
        try: answers.append((load.find_weights(text)[0], ""))
        except WeightsError as error: answers.append(("", str(error)))
    models._print_table()
    print(json.dumps([*answers, lines[-1]]))
"""


@pytest.mark.slow
def test_row_of_the_catalogue_pins_the_bytes(hub, client, make_repo, weights, one_sentence):
    hub.repos["a/b"] = make_repo({"model.safetensors": weights})
    digest = hashlib.sha256(weights).hexdigest()
    before, taken, after = client(COMMIT, digest, "0" * 64, code=ROW)
    assert "downloaded on use" in before.pop()
    line = taken.pop()
    assert line.split()[0] == "net"
    assert digest[:12] in line
    assert taken == [["net", ""], [f"a/b@{COMMIT}", ""]]
    # the cache does not count as a witness: the file is dropped, then the hub's hash refused
    refusals = [*before, *after[:2]]
    for (name, message), word in zip(
        refusals, ["nothing was fetched"] * 2 + ["got"] * 2, strict=True
    ):
        assert name == ""
        assert word in message
        one_sentence(WeightsError(message))
    assert _files(client.cache) == []


LIST = "import sys\nfrom lgtsm.cli.main import main\nsys.exit(main(['models', *sys.argv[1:]]))"


@pytest.mark.slow
def test_models_lists_and_describes_cached_files(hub, client, make_repo, weights):
    other = (8).to_bytes(8, "little") + b"{}      "
    files = {"model.safetensors": weights, "x/n.safetensors": weights, "o.safetensors": other}
    hub.repos |= {"a/b": make_repo(files, refs={"main": COMMIT, "v2": NEXT})}
    client("a/b", "a/b@v2:x/n.safetensors", f"a/b@{NEXT}", "a/b:o.safetensors")
    asked = len(hub.log)

    def models(*arguments):
        out, err = client.start(*arguments, code=LIST).communicate(timeout=60)
        assert err == ""
        return [line.split() for line in out.splitlines()]

    rows = {row[0]: row for row in models()}
    digest = hashlib.sha256(weights).hexdigest()[:12]
    for name in ("a/b", "a/b@v2", "a/b@v2:x/n.safetensors"):
        assert rows[name][1] == "refine"
        assert {"Apache-2.0", digest} <= set(rows[name])
    assert "a/b:o.safetensors" not in rows
    assert ["licence", "Apache-2.0"] in models("a/b@v2")
    assert len(hub.log) == asked
    (client.cache / "models--a--b" / "snapshots" / COMMIT / "model.safetensors").write_bytes(
        weights[:-1] + b"\x01"
    )
    assert "(changed)" in {row[0]: row for row in models()}["a/b"]


def test_package_without_the_client_says_what_to_install(client, one_sentence):
    code = (
        "import json, sys\n"
        "sys.modules['huggingface_hub'] = None\n"
        "from lgtsm.errors import WeightsError\n"
        "from lgtsm.weights.hub import fetch, list_cached\n"
        "from lgtsm.weights.hub_file import parse_hub_file\n"
        "assert list_cached() == []\n"
        "try: fetch(parse_hub_file('a/b'))\n"
        "except WeightsError as error: print(json.dumps(str(error)))\n"
    )
    [message] = client(code=code)
    assert "install" in message
    one_sentence(WeightsError(message))


def test_folder_of_the_same_name_is_no_question_for_the_hub(tmp_path, monkeypatch, one_sentence):
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match="got a/b") as caught:
        load_model("a/b")
    one_sentence(caught.value)
