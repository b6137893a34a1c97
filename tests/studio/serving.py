"""A studio on a free port, in a thread, and what asks it without a browser."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from lgtsm.scene.camera import Camera, SceneOptions
from lgtsm.studio.app import studio_app
from lgtsm.studio.desk import Desk
from lgtsm.studio.places import Places
from lgtsm.studio.session import Session

TOKEN = "a token that nobody guesses"
SMALL = SceneOptions(camera=Camera.PLANAR, num_frames=10, height=90, width=160)


class Studio:
    """One that runs, with the films that it has open."""

    def __init__(self, desk: Desk, port: int) -> None:
        self.desk, self.port = desk, port
        self.url = f"http://127.0.0.1:{port}"
        self.address = f"{self.url}/?token={TOKEN}".replace(" ", "%20")

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = TOKEN,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Send one request as it is, without tidying its path; bodies that are no bytes go as JSON."""
        sent = dict(headers or {})
        if token is not None:
            sent["Cookie"] = f'studio="{token}"'
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def json(self, method: str, path: str, body: object = None) -> dict:
        """Ask for what must succeed."""
        status, answer = self.ask(method, path, body)
        assert status == 200, answer
        return json.loads(answer)

    def open(self, path: Path) -> str:
        """Open a film; return the beginning of its addresses."""
        return "/film/" + self.json("POST", "/api/open", {"path": str(path)})["identity"]

    def quick(self) -> Session:
        """Choose a quick fill for the film that was opened last; return it."""
        session = self.desk.sessions()[0]
        session.choose({"mode": "copy", "motion": "planar", "threads": 1}, None)
        return session

    def do(self, film: str, kind: str, **values: object) -> dict:
        """Begin work on a film and wait until it is done; return its state."""
        self.json("POST", f"{film}/do/{kind}", values)
        state = self.finished(film)
        assert state["task"]["state"] == "done", state["task"]
        return state

    def finished(self, film: str, seconds: float = 120) -> dict:
        """Wait until a film's work is over; return its state."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            state = self.json("GET", film + "/state")
            if state["task"]["state"] not in ("waiting", "running"):
                return state
            time.sleep(0.05)
        raise TimeoutError(state["task"])


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


@contextlib.contextmanager
def serve(
    folder: Path, *, first: Path | None = None, results: Path | None = None, limit: int = 10**7
) -> Iterator[Studio]:
    """Run a studio for the films of a folder until the block ends."""
    desk = Desk(Places.of(None, [folder], results), first, SMALL)
    app = studio_app(desk, token=TOKEN, cookie="studio", upload_limit=limit)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            yield Studio(desk, listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(60)
