"""`lgtsm publish` against a hub on loopback that takes what the client sends."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lgtsm.cli.publish import check_licence, listed_files
from lgtsm.errors import WeightsError
from lgtsm.models.build import build
from lgtsm.models.spec import FAMILIES
from lgtsm.weights.header import Card
from lgtsm.weights.save import save_model

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "hf_of_the_test"


class Hub:
    """Takes repositories, large files and commits; keeps what a commit holds."""

    def __init__(self):
        self.made, self.files, self.log, self._large = [], {}, [], {}
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                hub._take(self)

            def do_PUT(self):
                hub._take(self)

            def do_GET(self):
                hub._take(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def _take(self, request):
        length = int(request.headers.get("Content-Length", 0))
        body = request.rfile.read(length)
        self.log.append((request.command, request.path))
        status, answer = self._answer(request, body)
        data = json.dumps(answer).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def _answer(self, request, body):
        path = request.path.split("?")[0]
        if path.startswith("/store/"):
            self._large[path.removeprefix("/store/")] = body
            return 200, {}
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"error": "Invalid credentials"}
        if path == "/api/repos/create":
            self.made.append(json.loads(body))
            return 200, {"url": f"{self.endpoint}/some/net"}
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if "/preupload/" in path:
            kinds = {True: "lfs", False: "regular"}
            rows = [
                {
                    "path": f["path"],
                    "uploadMode": kinds[f["path"].endswith(".safetensors")],
                    "shouldIgnore": False,
                }
                for f in json.loads(body)["files"]
            ]
            return 200, {"files": rows}
        if path.endswith("/info/lfs/objects/batch"):
            rows = [
                {
                    "oid": o["oid"],
                    "size": o["size"],
                    "actions": {"upload": {"href": f"{self.endpoint}/store/{o['oid']}"}},
                }
                for o in json.loads(body)["objects"]
            ]
            return 200, {"transfer": "basic", "objects": rows}
        if "/commit/" in path:
            self._commit(body)
            url = f"{self.endpoint}/some/net/commit/{'a' * 40}"
            return 200, {"commitUrl": url, "commitOid": "a" * 40, "success": True}
        return 404, {"error": f"no {path}"}

    def _commit(self, body):
        for line in body.splitlines():
            row = json.loads(line)
            value = row["value"]
            if row["key"] == "file":
                self.files[value["path"]] = base64.b64decode(value["content"])
            elif row["key"] == "lfsFile":
                self.files[value["path"]] = self._large[value["oid"]]


@pytest.fixture
def hub():
    hub = Hub()
    yield hub
    hub.stop()


@pytest.fixture
def folder(tmp_path):
    """An exported folder with a narrow network."""
    spec = FAMILIES["lgtsm"]
    spec = replace(spec, trunk=replace(spec.trunk, width=4))
    folder = tmp_path / "export"
    _save(folder, Card(spec=spec, licence="Apache-2.0", provenance={"steps": 1}))
    return folder


def _save(folder, card):
    save_model(build(card.spec), folder / "model.safetensors", card)
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n", encoding="utf-8")
    names = ("README.md", "config.json", "model.safetensors")
    sums = [f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


def _publish(hub, folder, repo="some/net", token=TOKEN):
    """Run the command; the client reads its environment when it is imported."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    ours = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": token, "NO_PROXY": "*"}
    ours |= {"HF_HOME": str(folder.parent / "hf"), "HF_HUB_DISABLE_XET": "1"}
    return subprocess.run(
        [sys.executable, "-m", "lgtsm", "publish", repo, "--folder", str(folder), "--private"],
        cwd=ROOT,
        env=kept | ours,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_everything_that_was_exported_arrives(hub, folder):
    (folder / "notes.txt").write_text("not listed", encoding="utf-8")
    done = _publish(hub, folder)
    assert done.returncode == 0, done.stderr
    assert "4 files" in done.stdout
    assert hub.made[0]["name"] == "net"
    assert hub.made[0]["organization"] == "some"
    listed = ("README.md", "SHA256SUMS", "config.json", "model.safetensors")
    assert hub.files == {name: (folder / name).read_bytes() for name in listed}


def test_a_refusal_of_the_hub_is_one_sentence(hub, folder):
    done = _publish(hub, folder, token="hf_wrong")
    assert done.returncode == 1
    assert done.stderr.startswith("lgtsm: Expected the hub to accept some/net, got ")
    assert "HF_TOKEN" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert hub.files == {}


@pytest.mark.parametrize("where", ["licence", "descent"])
def test_research_only_descent_is_refused_before_anything_is_sent(hub, folder, where):
    licence = {"licence": "research-only", "descent": "Apache-2.0"}[where]
    provenance = {"descent": "research-only"} if where == "descent" else {}
    spec = replace(FAMILIES["lgtsm"], trunk=replace(FAMILIES["lgtsm"].trunk, width=4))
    _save(folder, Card(spec=spec, licence=licence, provenance=provenance))
    done = _publish(hub, folder)
    assert done.returncode == 1
    assert "open licence" in done.stderr
    assert hub.log == []


def test_weights_without_a_licence_are_refused(one_sentence):
    with pytest.raises(WeightsError, match="not stated") as caught:
        check_licence(Card(spec=FAMILIES["lgtsm"], licence="not stated"))
    one_sentence(caught.value)


def test_folders_that_are_not_whole_are_refused(folder, one_sentence):
    (folder / "config.json").write_text("{ }", encoding="utf-8")
    with pytest.raises(WeightsError, match=r"config\.json") as caught:
        listed_files(folder)
    one_sentence(caught.value)
    (folder / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"found no config\.json") as caught:
        listed_files(folder)
    one_sentence(caught.value)


def test_hashes_of_files_elsewhere_are_not_believed(folder, one_sentence):
    sums = folder / "SHA256SUMS"
    outside = folder.parent / "secret"
    outside.write_text("x", encoding="utf-8")
    digest = hashlib.sha256(b"x").hexdigest()
    sums.write_text(sums.read_text(encoding="utf-8") + f"{digest}  ../secret\n", encoding="utf-8")
    with pytest.raises(WeightsError, match="secret") as caught:
        listed_files(folder)
    one_sentence(caught.value)


def test_a_repository_has_owner_and_name(hub, folder):
    for repo in ("net", "some/net@v2", "some/net:other.safetensors"):
        done = _publish(hub, folder, repo=repo)
        assert done.returncode == 1
        assert "owner/name" in done.stderr
    assert hub.log == []
