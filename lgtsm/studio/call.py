"""The call that runs a studio; Starlette and uvicorn are extras (`studio`)."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..errors import DeviceError, OptionError

LOOPBACK = "127.0.0.1"
PORT = 7860
UPLOAD_MB = 2000
_LEAST_TOKEN = 16
"""Characters."""


@dataclass(frozen=True, kw_only=True)
class StudioOptions:
    """How a studio is run.

    film: that pages begin with; None shows what there is.
    roots: folders that pages may read, beside the film's own; without both, the current one.
    folder: of projects and results; None puts them beside each film.
    listen: address to listen on; others than loopback let other machines in.
    port: of it; 0 chooses a free one.
    token: that pages must know; None draws one.
    upload_mb: size of a film that a page may send.
    """

    film: Path | None = None
    roots: tuple[Path, ...] = ()
    folder: Path | None = None
    listen: str = LOOPBACK
    port: int = PORT
    token: str | None = None
    upload_mb: int = UPLOAD_MB

    def __post_init__(self) -> None:
        """Check them; raises OptionError."""
        if self.film is not None and not self.film.exists():
            raise OptionError(f"Expected a film, found no {self.film}; correct the name.")
        if self.token is not None and len(self.token) < _LEAST_TOKEN:
            raise OptionError(
                f"Expected a token of {_LEAST_TOKEN} characters or more, got {len(self.token)}; choose a "
                "longer one, or none and one is drawn."
            )
        if not 0 <= self.port < 2**16 or self.upload_mb < 0:
            raise OptionError(
                f"Expected a port from 0 to 65535 and a limit of 0 or more, got {self.port} and "
                f"{self.upload_mb}; correct them."
            )


def run_studio(options: StudioOptions, ready: Callable[[str], None]) -> None:
    """Serve pages until the process is interrupted.

    Args:
        options: how.
        ready: told the address, with the token, as soon as pages can be opened.

    Raises:
        DeviceError: a package is missing; OptionError: the address cannot be listened on.
    """
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise DeviceError(
            f"Expected the package {missing[0]}, found none; install it with pip install starlette "
            "uvicorn."
        )
    import uvicorn

    from .app import studio_app
    from .desk import Desk
    from .places import Places

    places = Places.of(options.film, list(options.roots), options.folder)
    token = options.token or secrets.token_urlsafe(_LEAST_TOKEN)
    with _listening(options) as listener:
        address, port = listener.getsockname()[:2]
        app = studio_app(
            Desk(places, options.film),
            token=token,
            cookie=f"lgtsm_studio_{port}",  # browsers do not keep those of several ports apart
            upload_limit=options.upload_mb * 2**20,
        )
        host = f"[{address}]" if ":" in address else address
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", ws="none", server_header=False)
        )
        ready(f"http://{host}:{port}/?token={token}")
        server.run(sockets=[listener])


def _listening(options: StudioOptions) -> socket.socket:
    """Return a socket that listens; raises OptionError."""
    try:
        family = socket.AF_INET6 if ":" in options.listen else socket.AF_INET
        return socket.create_server((options.listen, options.port), family=family)
    except OSError as error:
        raise OptionError(
            f"Expected to listen on {options.listen}:{options.port}, got: {error.strerror}; choose "
            "another --port."
        ) from error
