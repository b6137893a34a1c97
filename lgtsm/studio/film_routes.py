"""Requests about one film that is open: its pictures, what is painted, and work to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ..errors import OptionError
from ..file_names import check_names
from ..tracking.prompts import Prompt
from ..video.image import IMAGE_SUFFIXES
from ..video.presets import CONTAINERS
from . import tasks
from .desk import Desk
from .made import WHOLE
from .receiving import received_file
from .session import Session
from .shown import picture
from .state import state_of
from .worker import Task

_KEPT = {"Cache-Control": "private, max-age=3600"}
"""Of pictures whose address names their version."""
_POINTS = 100


class FilmRoutes:
    """Routes of one film, below /film/IDENTITY."""

    def __init__(self, desk: Desk) -> None:
        """Take all films."""
        self._desk = desk

    def routes(self) -> list[Route]:
        """Return the routes."""
        film = "/film/{identity}"
        return [
            Route(f"{film}/state", self._state),
            Route(f"{film}/picture/{{kind}}/{{number:int}}", self._picture),
            Route(f"{film}/painted/{{number:int}}", self._paint, methods=["PUT", "DELETE"]),
            Route(f"{film}/key/{{number:int}}", self._paint_key, methods=["PUT"]),
            Route(f"{film}/mark", self._mark, methods=["POST"]),
            Route(f"{film}/mask", self._mask, methods=["PUT"]),
            Route(f"{film}/options", self._options, methods=["POST"]),
            Route(f"{film}/do/{{kind}}", self._start, methods=["POST"]),
            Route(f"{film}/cancel", self._cancel, methods=["POST"]),
            Route(f"{film}/result/{{name}}", self._result),
        ]

    def _session(self, request: Request) -> Session:
        return self._desk.session(request.path_params["identity"])

    async def _answer(self, session: Session) -> JSONResponse:
        return JSONResponse(await run_in_threadpool(state_of, session, self._desk.worker))

    async def _state(self, request: Request) -> Response:
        return await self._answer(self._session(request))

    async def _picture(self, request: Request) -> Response:
        session, given = self._session(request), request.path_params
        data = await run_in_threadpool(picture, session, given["kind"], given["number"])
        return Response(data, media_type="image/png", headers=_KEPT)

    async def _paint(self, request: Request) -> Response:
        session, number = self._session(request), request.path_params["number"]
        if request.method == "DELETE":
            await run_in_threadpool(session.unpaint, number)
        else:
            await run_in_threadpool(session.paint, number, await request.body())
        return await self._answer(session)

    async def _paint_key(self, request: Request) -> Response:
        session, number = self._session(request), request.path_params["number"]
        await run_in_threadpool(session.paint_key, number, await request.body())
        return await self._answer(session)

    async def _mark(self, request: Request) -> Response:
        session, given = self._session(request), await values_of(request)
        prompt = Prompt(
            frame=_whole(given.get("frame")),
            box=_box(given.get("box")),
            points=_points(given.get("points")),
            not_points=_points(given.get("not_points")),
        )
        await run_in_threadpool(session.mark, prompt)
        return await self._answer(session)

    async def _mask(self, request: Request) -> Response:
        """Take a mask that the page sends."""
        session = self._session(request)
        suffix = Path(request.query_params.get("name", "")).suffix.lower()
        if suffix not in IMAGE_SUFFIXES and suffix not in CONTAINERS:
            raise OptionError(
                f"Expected a picture or film as mask, got a file ending in {suffix!r:.20}; give PNG or MKV."
            )
        target = session.folder / f"given{suffix}"
        check_names([target])
        await received_file(request, target)
        await run_in_threadpool(tasks.take_mask, session, target, "file")
        return await self._answer(session)

    async def _options(self, request: Request) -> Response:
        session, given = self._session(request), await values_of(request)
        wanted, complete = given.pop("wanted", None), given.pop("complete", None)
        names = [str(one) for one in wanted] if isinstance(wanted, list) else None
        added = ",".join(map(str, complete)) if isinstance(complete, list) else None
        await run_in_threadpool(session.choose, given, names, added)
        return await self._answer(session)

    async def _start(self, request: Request) -> Response:
        """Begin a task, which goes on whether the page stays open or not."""
        session, given = self._session(request), await values_of(request)
        kind = request.path_params["kind"]
        work: dict[str, Callable[..., None]] = {
            "track": partial(tasks.find_mask, session),
            "complete": partial(tasks.find_mask, session),
            "static": partial(tasks.find, session, "static"),
            "text": partial(tasks.find, session, "text"),
            "preview": partial(
                tasks.preview,
                session,
                _whole(given.get("frame", 0)),
                half=given.get("half") is True,
            ),
            "remove": partial(tasks.remove, session),
            "keys": partial(tasks.find_keys, session),
        }
        if kind not in work:
            raise OptionError(
                f"Expected one of {', '.join(work)}, got {kind!r:.20}; reload the page."
            )
        if kind not in ("static", "text"):
            await run_in_threadpool(session.job)  # a mistake is told at once
        session.start(Task(kind, lambda hooks: work[kind](hooks=hooks)), self._desk.worker)
        return await self._answer(session)

    async def _cancel(self, request: Request) -> Response:
        session = self._session(request)
        if session.task is not None:
            session.task.cancel()
        return await self._answer(session)

    async def _result(self, request: Request) -> Response:
        """Send a result, or the project."""
        session, name = self._session(request), request.path_params["name"]
        result = session.results.get(WHOLE)
        outputs = {"project": str(session.project.file)} | (result.outputs if result else {})
        path = Path(outputs.get(name, ""))
        if name not in outputs or not path.is_file():
            raise OptionError(f"Expected a result, got {name!r:.20}; remove the object first.")
        inline = "inline" if request.query_params.get("show") else "attachment"
        return FileResponse(path, filename=path.name, content_disposition_type=inline)


async def values_of(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request; raises OptionError for anything else."""
    try:
        given = await request.json()
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise OptionError("Expected a JSON object, got something else; reload the page.")
    return given


def _whole(value: object) -> int:
    if type(value) is not int:
        raise OptionError(f"Expected a whole number, got {value!r:.80}; reload the page.")
    return value


def _box(value: object) -> tuple[int, int, int, int] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 4:
        raise OptionError(f"Expected a box of four numbers, got {value!r:.80}; reload the page.")
    left, top, width, height = map(_whole, value)
    return left, top, width, height


def _points(value: object) -> tuple[tuple[int, int], ...]:
    if not value:
        return ()
    if not isinstance(value, list) or len(value) > _POINTS:
        raise OptionError(
            f"Expected up to {_POINTS} points, got {value!r:.80}; draw a box instead."
        )
    found: list[tuple[int, int]] = []
    for one in value:
        if not isinstance(one, list) or len(one) != 2:
            raise OptionError(f"Expected a point as two numbers, got {one!r:.80}; reload the page.")
        found.append((_whole(one[0]), _whole(one[1])))
    return tuple(found)
