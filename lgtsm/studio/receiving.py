"""Files that a page sends, written as they come."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import ClientDisconnect, Request

from ..errors import VideoError
from ..whole_file import WholeFile


async def received_file(request: Request, target: Path) -> None:
    """Write the body of a request; the file appears once it is complete.

    Raises:
        VideoError: it cannot be written, or the page went away.
    """
    try:
        with WholeFile(target) as partial, partial.open("wb") as file:
            async for part in request.stream():
                file.write(part)
    except ClientDisconnect as error:
        raise VideoError("Expected a whole file, got a part of one; send it again.") from error
    except OSError as error:
        raise VideoError(
            f"Expected to write {target.name}, got: {error.strerror}; make room on the disk."
        ) from error
