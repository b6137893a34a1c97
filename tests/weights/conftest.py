"""A hub on loopback with the protocol of huggingface.co, and clients in separate processes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMIT, NEXT = "a1" * 20, "b2" * 20


@dataclass
class Repo:
    """files by name; refs: branches and tags; fault: what goes wrong with its bytes."""

    files: dict[str, bytes]
    refs: dict[str, str] = field(default_factory=lambda: {"main": COMMIT, "v1": COMMIT})
    token: str = ""
    gated: bool = False
    fault: str = ""


class Hub:
    """Two servers: the hub answers with metadata and sends on to the other, which has the bytes."""

    def __init__(self):
        self.repos = {}
        self.log = []
        self.stalled = threading.Event()
        self.go_on = threading.Event()
        self._servers = [self._start(self._hub), self._start(self._bytes)]
        self.endpoint, self._store = (
            f"http://127.0.0.1:{server.server_port}" for server in self._servers
        )

    def _start(self, answer):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                answer(self)

            def do_HEAD(self):
                answer(self)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def stop(self):
        self.go_on.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def _reply(self, request, status, body=b"", **headers):
        request.send_response(status)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in ({"Content-Length": len(body)} | headers).items():
            request.send_header(name, str(value))
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body)

    def _note(self, request):
        """Log a request; return the first and the last byte where it asks for a part."""
        span = request.headers.get("Range", "").removeprefix("bytes=")
        first, _, last = span.partition("-")
        kind = "part" if last else request.command
        self.log.append((kind, request.path, request.headers.get("Authorization", "")))
        return (int(first), int(last)) if last else None

    def _hub(self, request):
        sent = request.headers.get("Authorization", "")
        self._note(request)
        owner, name, call, revision, file = (*request.path[1:].split("/", 4), *[""] * 5)[:5]
        if call != "resolve":  # such as the client's own question for a list of agents
            return self._reply(request, 404)
        repo, revision = self.repos.get(f"{owner}/{name}"), unquote(revision)
        bearer = f"Bearer {repo.token}" if repo else ""
        if sent not in ("", bearer):
            message = "Invalid credentials in Authorization header"
            return self._reply(request, 401, X_Error_Message=message)
        if repo is None or (repo.token and sent != bearer):
            return self._reply(request, 401, X_Error_Code="RepoNotFound")
        if repo.gated:
            return self._reply(request, 403, X_Error_Code="GatedRepo")
        if repo.fault == "down":
            return self._reply(request, 503)
        commit = repo.refs.get(revision, revision)
        if commit not in repo.refs.values():
            return self._reply(request, 404, X_Error_Code="RevisionNotFound")
        if file not in repo.files:
            return self._reply(request, 404, X_Error_Code="EntryNotFound", X_Repo_Commit=commit)
        body = repo.files[file]
        if repo.fault == "not a hub":
            return self._reply(request, 200, body)
        if repo.fault == "plain git":
            digest = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
            return self._reply(request, 200, body, ETag=f'"{digest}"', X_Repo_Commit=commit)
        return self._reply(
            request,
            302,
            X_Repo_Commit=commit,
            X_Linked_Etag=f'"{hashlib.sha256(body).hexdigest()}"',
            X_Linked_Size=2**40 if repo.fault == "huge" else len(body),
            ETag='"of the redirect"',
            Location=f"{self._store}/{owner}/{name}/{file}",
        )

    def _bytes(self, request):
        part = self._note(request)
        owner, name, file = request.path[1:].split("/", 2)
        repo = self.repos[f"{owner}/{name}"]
        body, half = repo.files[file], len(repo.files[file]) // 2
        if part is not None:  # the header; faults below are those of the download
            body, size = body[part[0] : part[1] + 1], len(body)
            return self._reply(
                request, 206, body, Content_Range=f"bytes {part[0]}-{part[1]}/{size}"
            )
        if repo.fault == "truncated":
            return self._reply(request, 200, body[:half])
        if repo.fault == "tampered":
            return self._reply(request, 200, body[:half] + b"\x55" + body[half + 1 :])
        start = request.headers.get("Range", "")
        if start:
            at = int(start.removeprefix("bytes=").rstrip("-"))
            span = f"bytes {at}-{len(body) - 1}/{len(body)}"
            return self._reply(request, 206, body[at:], Content_Range=span)
        if repo.fault == "interrupted once":
            repo.fault = ""
            return self._reply(request, 200, body[:half], Content_Length=len(body))
        if repo.fault == "stalled":
            self._reply(request, 200, body[:half], Content_Length=len(body))
            self.stalled.set()
            self.go_on.wait(30)
            return None
        return self._reply(request, 200, body)


@pytest.fixture
def hub():
    """Return a running hub without repositories."""
    hub = Hub()
    yield hub
    hub.stop()


@pytest.fixture
def client(hub, tmp_path):
    """client(*hub_files, code=..., **environment) -> [(path or "", message)], cache at tmp_path/hf.

    The client reads its environment when it is imported, so each call is a fresh process.
    """
    fetch = (
        "import json, sys\n"
        "from lgtsm.errors import WeightsError\n"
        "from lgtsm.weights.hub import fetch\n"
        "from lgtsm.weights.hub_file import parse_hub_file\n"
        "for text in sys.argv[1:]:\n"
        "    try: answer = str(fetch(parse_hub_file(text))), ''\n"
        "    except WeightsError as error: answer = '', str(error)\n"
        "    print(json.dumps(answer))\n"
    )

    def start(*arguments, code=fetch, **environment):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
        ours = {"HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": hub.endpoint, "NO_PROXY": "*"}
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=ROOT,
            env=kept | ours | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(*arguments, **options):
        process = start(*arguments, **options)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        return [json.loads(line) for line in out.splitlines()]

    run.start = start
    run.cache = tmp_path / "hf" / "hub"
    return run


@pytest.fixture
def make_repo():
    """make_repo(files, **faults) -> Repo."""
    return Repo
