"""All films that are open in one studio."""

from __future__ import annotations

import secrets
import threading
from pathlib import Path

from ..errors import LgtsmError, VideoError
from ..file_names import check_names
from ..film_names import is_film
from ..scene.camera import SceneOptions
from ..scene.render import render_scene
from ..video.clip import write_clip
from .places import Places, is_project, project_file
from .project import Project, load_project
from .session import Session
from .worker import Worker

_SAMPLE = "lgtsm_sample.mp4"
SCENE = SceneOptions(num_frames=48)
"""What is rendered for those who have no film at hand."""
_MOST = 32
"""Films that are open at the same time."""


class UnknownSessionError(LgtsmError):
    """A page of an earlier run of the studio; it opens its film again."""


class Desk:
    """The films that are open, by identity, and the thread that works on them."""

    def __init__(self, places: Places, first: Path | None, scene: SceneOptions = SCENE) -> None:
        """Take the places, the film that pages begin with, and the scene of the sample."""
        self.places, self.first, self._scene = places, first, scene
        self.worker = Worker()
        self._sessions: dict[str, Session] = {}
        self._mutex = threading.Lock()

    def session(self, identity: str) -> Session:
        """Return an open film; raises UnknownSessionError."""
        session = self._sessions.get(identity)
        if session is None:
            raise UnknownSessionError(
                "Expected a film that is open, got one of an earlier run; it is opened again."
            )
        return session

    def sessions(self) -> list[Session]:
        """Return all films that are open, the last one first."""
        return list(self._sessions.values())[::-1]

    def open(self, given: str) -> Session:
        """Open a film, a folder of images or a project; one that is open already is shared.

        Raises:
            NotAllowedError: it is elsewhere; OptionError: a project with mistakes; VideoError: it cannot be
                read.
        """
        path = self.places.readable(given)
        with self._mutex:
            if is_project(path):
                file = path
            else:
                file = project_file(path, self.places.results(path))
            for session in self._sessions.values():
                if session.project.file == file:
                    return session
            project, painted = Project(file, path), list[str]()
            if file.is_file():
                project, painted = load_project(file)
                self._check_inside(project, painted)
            if len(self._sessions) >= _MOST:
                self._close_one()
            session = Session.open(secrets.token_urlsafe(16), project, painted)
            self._sessions[session.identity] = session
            return session

    def _check_inside(self, project: Project, painted: list[str]) -> None:
        """Refuse a project that names files elsewhere; raises NotAllowedError."""
        named = [project.source, project.mask, project.plates]
        named += [Path(one.rpartition("@")[0]) for one in painted]
        for path in named:
            if path is not None:
                self.places.readable(str(path))

    def _close_one(self) -> None:
        """Close the film that was opened first and has nothing to do; raises VideoError."""
        for identity, session in self._sessions.items():
            if session.task is None or session.task.is_over:
                del self._sessions[identity]
                session.close()
                return
        raise VideoError(f"Expected at most {_MOST} films at work, got one more; wait a while.")

    def sample(self) -> Session:
        """Render the sample, unless it is there, and open it; raises VideoError as `open`."""
        folder = self.places.folder or self.places.roots[0]
        target = folder / _SAMPLE
        if not target.exists():
            scene = render_scene(self._scene)
            write_clip(target, scene.frames, rate=scene.rate)
        return self.open(str(target))

    def new_film(self, name: str) -> Path:
        """Return a name for a film that is sent by a page, which replaces nothing.

        Raises:
            VideoError: it is no name of a film.
        """
        folder = self.places.folder or self.places.roots[0]
        bare = Path(name.replace("\\", "/")).name
        if not is_film(Path(bare)) or bare.startswith("."):
            raise VideoError(f"Expected a film such as shot.mp4, got {bare!r:.80}; choose another.")
        check_names([folder / bare])
        path, number = folder / bare, 2
        while path.exists():
            path, number = folder / f"{Path(bare).stem} ({number}){Path(bare).suffix}", number + 1
        return path

    def close(self) -> None:
        """Stop all work, which leaves what it needs to go on later."""
        for session in self._sessions.values():
            session.close()
        self.worker.stop()
