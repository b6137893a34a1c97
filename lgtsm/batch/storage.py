"""Files elsewhere, such as s3://bucket/film.mp4, through fsspec: what they are, here and back.

fsspec comes with torch; the package for a kind of storage (s3fs, gcsfs, ...) is the user's to install.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import DeviceError, VideoError
from ..whole_file import WholeFile, WholeFolder


def url_key(url: str) -> str:
    """Return what changes with the contents of a file or folder elsewhere; nothing is fetched.

    Raises:
        VideoError: it is not there, or its storage does not answer; DeviceError: a missing package.
    """
    with _told(url):
        system, path = _opened(url)
        system.invalidate_cache()
        if not system.isdir(path):
            return str(system.ukey(path))
        files = [[name, str(system.ukey(name))] for name in sorted(system.ls(path, detail=False))]
        return hashlib.sha256(json.dumps(files).encode()).hexdigest()


def fetch(url: str, folder: Path) -> Path:
    """Return a local copy of a file or folder elsewhere, fetching it where it is not there yet.

    Args:
        url: of the file or folder.
        folder: of copies; one of other contents has another name in it.

    Raises:
        VideoError, DeviceError: as `url_key`; VideoError: it cannot be written.
    """
    target = folder / url_key(url)[:16] / url.rstrip("/").rpartition("/")[2]
    if target.exists():
        return target
    with _told(url):
        system, path = _opened(url)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not system.isdir(path):
            with WholeFile(target) as partial:
                system.get_file(path, str(partial))
            return target
        with WholeFolder(target) as partial:
            for name in system.ls(path, detail=False):
                if not system.isdir(name):
                    system.get_file(name, str(partial / name.rpartition("/")[2]))
    return target


def deliver(path: Path, url: str) -> None:
    """Copy a file or a folder of images to storage elsewhere, where it appears file by file.

    Raises:
        VideoError, DeviceError: as `url_key`.
    """
    with _told(url):
        system, target = _opened(url)
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        for file in files:
            place = f"{target}/{file.name}" if path.is_dir() else target
            system.makedirs(place.rpartition("/")[0], exist_ok=True)
            system.put_file(str(file), place)


def answers(url: str) -> bool:
    """Tell whether the storage of a place answers; the place itself need not be there yet."""
    try:
        with _told(url):
            system, path = _opened(url)
            system.invalidate_cache()
            root = next(part for part in path.split("/") if part)
            return bool(system.exists(path) or system.exists(root) or path.startswith("/"))
    except VideoError:
        return False


def _opened(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path on it."""
    import fsspec.core

    return fsspec.core.url_to_fs(url)


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Say in a sentence what goes wrong with a URL: every kind of storage has errors of its own."""
    try:
        yield
    except ImportError as error:
        raise DeviceError(
            f"Expected a package for {url.partition(':')[0]} storage, found none ({error}); install it, such "
            "as s3fs for s3."
        ) from error
    except Exception as error:
        reason = f"{type(error).__name__} {(str(error).splitlines() or [''])[0]}".strip()
        raise VideoError(
            f"Expected to use {url}, got {reason:.200}; check the address and the credentials."
        ) from error
