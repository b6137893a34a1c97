"""The studio as an ASGI app."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ..errors import LgtsmError, told
from .desk import Desk, UnknownSessionError
from .film_routes import FilmRoutes, values_of
from .form import form
from .guard import Guard, TooMuchError
from .places import NotAllowedError
from .receiving import received_file

_LOG = logging.getLogger(__name__)
_PAGE = Path(__file__).with_name("page")
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
_TYPES |= {".json": "application/json", ".svg": "image/svg+xml"}


def studio_app(desk: Desk, *, token: str | None, cookie: str, upload_limit: int) -> ASGIApp:
    """Return the app; it stops all work when it is shut down.

    Args:
        desk: films and folders.
        token: that pages must know; None lets everyone in.
        cookie: name under which a browser keeps it.
        upload_limit: bytes of a film that a page may send.
    """
    routes = _StartRoutes(desk, upload_limit)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(desk.close)

    app = Starlette(
        routes=[*routes.routes(), *FilmRoutes(desk).routes()],
        exception_handlers={LgtsmError: _told, Exception: _unexpected},
        lifespan=lifespan,
    )
    return Guard(app, token, cookie, upload_limit)


class _StartRoutes:
    """Requests before a film is open."""

    def __init__(self, desk: Desk, upload_limit: int) -> None:
        self._desk, self._upload_limit = desk, upload_limit
        self._files = {path.name: path for path in _PAGE.iterdir() if path.suffix in _TYPES}

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/", self._page),
            Route("/page/{name}", self._file),
            Route("/api/start", self._start),
            Route("/api/list", self._list),
            Route("/api/open", self._open, methods=["POST"]),
            Route("/api/sample", self._sample, methods=["POST"]),
            Route("/api/film", self._send, methods=["PUT"]),
        ]

    async def _page(self, _: Request) -> Response:
        return FileResponse(self._files["index.html"])

    async def _file(self, request: Request) -> Response:
        path = self._files.get(request.path_params["name"])
        if path is None:
            return JSONResponse({"error": "Expected a file of the page, got another one."}, 404)
        return FileResponse(path, media_type=_TYPES[path.suffix])

    async def _start(self, _: Request) -> Response:
        places, first = self._desk.places, self._desk.first
        opened = [
            {"path": str(one.project.source), "name": one.project.source.name, "at_work": at_work}
            for one in self._desk.sessions()
            for at_work in [one.task is not None and not one.task.is_over]
        ]
        return JSONResponse(
            {
                "first": first and str(first),
                "roots": [str(root) for root in places.roots],
                "opened": opened,
                "upload_limit": self._upload_limit,
                "form": form(),
            }
        )

    async def _list(self, request: Request) -> Response:
        given = request.query_params.get("folder", "")
        folder, entries = await run_in_threadpool(self._desk.places.listing, given)
        return JSONResponse(
            {
                "folder": str(folder) if folder.name else "",
                "above": self._desk.places.above(folder),
                "entries": [vars(entry) for entry in entries],
            }
        )

    async def _open(self, request: Request) -> Response:
        given = await values_of(request)
        session = await run_in_threadpool(self._desk.open, str(given.get("path", "")))
        return JSONResponse({"identity": session.identity})

    async def _sample(self, _: Request) -> Response:
        session = await run_in_threadpool(self._desk.sample)
        return JSONResponse({"identity": session.identity})

    async def _send(self, request: Request) -> Response:
        """Take a film that was dropped on the page."""
        target = self._desk.new_film(request.query_params.get("name", ""))
        await received_file(request, target)
        try:
            session = await run_in_threadpool(self._desk.open, str(target))
        except LgtsmError:
            target.unlink(missing_ok=True)
            raise
        return JSONResponse({"identity": session.identity})


async def _told(_: Request, error: Exception) -> Response:
    status = {NotAllowedError: 403, UnknownSessionError: 404}.get(type(error), 400)
    return JSONResponse({"error": str(error)}, status)


async def _unexpected(_: Request, error: Exception) -> Response:
    if isinstance(error, TooMuchError):
        raise error
    is_known, sentence = told(error)
    if not is_known:
        _LOG.error("a request of the studio failed", exc_info=error)
    return JSONResponse({"error": sentence}, 400 if is_known else 500)
