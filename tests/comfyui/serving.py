"""A real ComfyUI server: started with this pack, asked over HTTP and websocket."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACK = "lgtsm"
NEWEST, OLDEST = "0.30.0", "0.16.3"
_START_SECONDS = 240
_ENDS = ("execution_success", "execution_error", "execution_interrupted")


def archive_files() -> list[str]:
    """Return what a release archive holds: files of the repository less those of .comfyignore."""

    def listed(*arguments: str) -> set[str]:
        done = subprocess.run(
            ["git", "ls-files", "-z", *arguments], cwd=ROOT, check=True, capture_output=True
        )
        return {name for name in done.stdout.decode().split("\0") if name}

    ours = listed("--cached", "--others", "--exclude-standard")
    ignored = listed("--cached", "--others", "--ignored", "--exclude-from=.comfyignore")
    return sorted(name for name in ours - ignored if (ROOT / name).is_file())


def install_pack(folder: Path) -> Path:
    """Copy the files of a release archive into custom_nodes, as the manager does."""
    for name in archive_files():
        target = folder / PACK / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    return folder / PACK


@dataclass
class Run:
    """What came of a prompt: the websocket's events, and the entry in the history."""

    events: list[dict]
    entry: dict

    @property
    def status(self) -> str:
        return self.entry["status"]["status_str"]

    @property
    def error(self) -> str:
        """The message of the node that failed."""
        failed = [e for e in self.events if e["type"] == "execution_error"]
        return failed[-1]["data"]["exception_message"].strip() if failed else ""

    def text(self, node: str) -> str:
        """What a PreviewAny node shows."""
        return self.entry["outputs"][node]["text"][0]


_TEXT = 3
"""Number of a message that shows a text on a node."""


class Server:
    """A running server; `base` holds its folders."""

    def __init__(self, base: Path, port: int, process: subprocess.Popen) -> None:
        self.base, self.port, self.process = base, port, process
        self.url = f"http://127.0.0.1:{port}"

    @property
    def log(self) -> str:
        return (self.base / "server.log").read_text(encoding="utf-8", errors="replace")

    def call(self, path: str, payload: object = None) -> tuple[int, object]:
        """Ask; with a payload by POST. Returns the status and the JSON answer."""
        data = None if payload is None else json.dumps(payload).encode()
        request = urllib.request.Request(
            self.url + path, data=data, headers={"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                body = answer.read()
                return answer.status, json.loads(body) if body else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def fetch(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return answer.read()

    def run(self, prompt: dict, meanwhile: Callable[[str, dict], None] | None = None) -> Run:
        """Queue a prompt in API form and follow it to its end."""
        import websocket  # only those who run these tests install it

        client, events = uuid.uuid4().hex, []
        address = f"ws://127.0.0.1:{self.port}/ws?clientId={client}"
        with contextlib.closing(websocket.create_connection(address, timeout=300)) as stream:
            status, answer = self.call("/prompt", {"prompt": prompt, "client_id": client})
            assert status == 200, json.dumps(answer, indent=1)
            number = answer["prompt_id"]
            while not (events and events[-1]["type"] in _ENDS):
                message = stream.recv()
                if isinstance(message, bytes):  # a preview picture, or a text on a node
                    if int.from_bytes(message[:4], "big") == _TEXT:
                        size = int.from_bytes(message[4:8], "big")
                        text = message[8 + size :].decode()
                        events.append({"type": "text", "data": text})
                    continue
                event = json.loads(message)
                if event.get("data", {}).get("prompt_id", number) != number:
                    continue
                events.append(event)
                if meanwhile is not None:
                    meanwhile(number, event)
        return Run(events, self.finished(number))

    def finished(self, number: str, seconds: float = 300) -> dict:
        """Wait for a prompt's entry in the history; one that takes too long is stopped for the others."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            entry = self.call("/history/" + number)[1].get(number)
            if entry:
                return entry
            time.sleep(0.1)
        self.call("/interrupt", {})
        raise TimeoutError(f"prompt {number} after {seconds:g} s; {self.log[-2000:]}")

    def saved(self, run: Run, node: str) -> Path:
        """Return the file that a save node wrote."""
        item = run.entry["outputs"][node]["images"][0]
        return self.base / item["type"] / item["subfolder"] / item["filename"]

    def memory(self, *, peak: bool = True) -> int:
        """Return resident bytes of the server, the most since `forget_peak` or those of now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        field = "VmHWM" if peak else "VmRSS"
        return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) * 1024

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", encoding="ascii")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def prepare_base(base: Path) -> Path:
    """Make the folders of a server, with this pack and the probe in custom_nodes."""
    for name in ("custom_nodes", "input", "output", "temp", "models"):
        (base / name).mkdir(parents=True)
    settings = base / "user" / "default" / "comfy.settings.json"
    settings.parent.mkdir(parents=True)
    # without the first the template browser lies over the Run button of a new user
    values = {"Comfy.TutorialCompleted": True, "Comfy.Minimap.Visible": False}
    settings.write_text(json.dumps(values), encoding="utf-8")
    probe = base / "custom_nodes" / "probe"
    probe.mkdir()
    shutil.copyfile(Path(__file__).with_name("probe_nodes.py"), probe / "__init__.py")
    install_pack(base / "custom_nodes")
    return base


@contextlib.contextmanager
def serve(
    cache: Path, base: Path, version: str = NEWEST, *flags: str, **environment: str
) -> Iterator[Server]:
    """Run a server until the block ends.

    Args:
        cache: what `setup.sh` has made.
        base: made by `prepare_base`.
        version: of ComfyUI.
        flags: further ones for main.py.
        environment: further variables.
    """
    port = free_port()
    command = [str(cache / "venv" / "bin" / "python"), "main.py", "--cpu"]
    command += ["--listen", "127.0.0.1", "--port", str(port), "--disable-auto-launch"]
    command += ["--disable-api-nodes", "--base-directory", str(base)]
    command += ["--database-url", "sqlite:///:memory:", *flags]
    # one thread, as the tests themselves: sums come out alike, and cores are few
    ours = {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    # glibc raises this by itself and then keeps what was freed; fixed, memory in use is what is seen
    ours["MALLOC_MMAP_THRESHOLD_"] = "131072"
    with (base / "server.log").open("w", encoding="utf-8") as sink:
        process = subprocess.Popen(
            command,
            cwd=cache / f"ComfyUI-{version}",
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **ours, **environment},
        )
    server = Server(base, port, process)
    try:
        limit = time.monotonic() + _START_SECONDS
        while True:
            assert process.poll() is None, server.log[-4000:]
            assert time.monotonic() < limit, server.log[-4000:]
            with contextlib.suppress(OSError):
                if server.call("/system_stats")[0] == 200:
                    break
            time.sleep(0.2)
        yield server
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)
