"""Who may ask: only pages that were opened with the token, from this server, and never too much."""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SAFE = ("GET", "HEAD")
_MOST_BYTES = 128 * 2**20
"""Of a request that is no film: the largest painted frames."""
_POLICY = (
    "default-src 'self'; img-src 'self' blob:; media-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'"
)
_NO_TOKEN = (
    "Expected the address that lgtsm studio printed, with its token, got one without; copy it from the "
    "terminal."
)
_OTHER_PAGE = (
    "Expected a request of the studio's own page, got one of another; open the studio itself."
)


class TooMuchError(Exception):
    """A request is larger than the limit."""


class Guard:
    """Checks every request before the app sees it.

    Args:
        app: what is guarded.
        token: that a page must know; None lets everyone in, as where a Space is public.
        cookie: name under which a browser keeps the token.
        most_bytes: of a film that is sent.
    """

    def __init__(self, app: ASGIApp, token: str | None, cookie: str, most_bytes: int) -> None:
        self._app, self._token, self._cookie = app, token, cookie
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no web sockets
            return
        answer = self._refusal(scope)
        if answer is not None:
            await answer(scope, receive, send)
            return
        most = self._most(scope["path"])
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise TooMuchError
            return message

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(MutableHeaders(scope=message))
            await send(message)

        try:
            await self._app(scope, counted, headed)
        except TooMuchError:
            await _too_much(most)(scope, receive, send)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        """Return the answer to a request that the app must not see."""
        headers = Headers(scope=scope)
        if self._token is not None and not self._matches(self._known(headers)):
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            if not self._matches(given):
                return PlainTextResponse(_NO_TOKEN, 401)
            answer = RedirectResponse("/", 303)  # the token does not stay in the address
            answer.set_cookie(self._cookie, self._token, httponly=True, samesite="lax")
            return answer
        origin = headers.get("origin")
        is_ours = origin is None or urlsplit(origin).netloc == headers.get("host")
        if scope["method"] not in _SAFE and not is_ours:
            return PlainTextResponse(_OTHER_PAGE, 403)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._most(scope["path"]):
            return _too_much(self._most(scope["path"]))
        return None

    def _matches(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self._token or "").encode())

    def _known(self, headers: Headers) -> str:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return ""
        return found.value if found else ""

    def _most(self, path: str) -> int:
        is_film = path == "/api/film" or path.endswith("/mask")
        return self._most_bytes if is_film else min(_MOST_BYTES, self._most_bytes)

    def _add_headers(self, headers: MutableHeaders) -> None:
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Content-Security-Policy"] = _POLICY + (
            "; frame-ancestors 'none'" if self._token is not None else ""
        )
        headers.setdefault("Cache-Control", "no-store")


def _too_much(most: int) -> JSONResponse:
    return JSONResponse(
        {
            "error": f"Expected at most {most >> 20} MB, got more; open the file by its path, or start "
            "lgtsm studio with a larger --upload-limit."
        },
        413,
    )
