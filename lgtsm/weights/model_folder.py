"""Weight files of a hub in a models folder, such as ComfyUI's, each with its SHA-256 beside it.

The hub's own cache is hidden in the user's home; programs with a folder for all their models expect
the files there, under readable names.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from pathlib import Path

from ..errors import WeightsError
from .header import read_card, sha256_of
from .hub import ask, download
from .hub_file import MAIN, HubFile

_HASH_SUFFIX = ".sha256"
_FETCHING = ".fetching-"
_STALE_SECONDS = 3600
"""A download that has written nothing for so long was given up; the client gives up in minutes."""
_LONGEST_NAME = 200
"""Characters; disks take 255 bytes, the suffix of the hash file included."""


def local_name(hub_file: HubFile) -> str:
    """Return the name of a hub file in a models folder; no two files have the same."""
    # a revision keeps its @, which no folder of the repository can begin with
    revision = "" if hub_file.revision == MAIN else f"@{hub_file.revision}"
    inner = hub_file.file.removesuffix(".safetensors")
    name = f"{hub_file.repo}{revision}--{inner}".replace("/", "--")
    parts = f"{hub_file.repo}/{hub_file.revision}/{inner}".split("/")
    unclear = "/" in hub_file.revision or any("--" in f"-{part}-" for part in parts)
    if unclear or len(name) > _LONGEST_NAME:
        digest = hashlib.sha256(str(hub_file).encode()).hexdigest()[:8]
        name = f"{name[:_LONGEST_NAME]}={digest}"
    return name + ".safetensors"


def check_hash(path: Path, sha256: str | None = None) -> None:
    """Check a file against its SHA-256; without any, it is not checked.

    Args:
        path: of the weights.
        sha256: from the catalogue; None reads the `.sha256` file beside it, if there is one.

    Raises:
        WeightsError: another hash.
    """
    beside = path.with_name(path.name + _HASH_SUFFIX)
    expected = sha256
    if expected is None and beside.is_file():
        words = beside.read_text(encoding="utf-8").split()
        expected = words[0] if words else "(an empty file)"
    if expected is None:
        return
    got = sha256_of(path)
    if got != expected:
        raise WeightsError(
            f"Expected {path.name} with SHA-256 {expected[:12]}, got {got[:12]}; delete the file "
            "and load it again."
        )


def fetch_into(folder: Path, hub_file: HubFile, *, sha256: str | None = None) -> Path:
    """Return a complete and checked file of a hub, from a folder if possible.

    Args:
        folder: created if needed; the file appears in it once it is complete and checked.
        hub_file: what to fetch.
        sha256: from the catalogue; None trusts the hash that the hub states.

    Returns:
        The path in the folder; its SHA-256 is in a file beside it.

    Raises:
        WeightsError: as `hub.fetch`; a changed file in the folder; a folder that cannot be written.
    """
    path = folder / local_name(hub_file)
    if path.is_file():
        _check_origin(path, hub_file)
        check_hash(path, sha256)
        return path
    expected = ask(hub_file, sha256)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_stale(folder)
        with tempfile.TemporaryDirectory(dir=folder, prefix=_FETCHING) as partial:
            fetched = download(hub_file, Path(partial))
            got = sha256_of(fetched)
            if got != expected:
                raise WeightsError(
                    f"Expected {hub_file} with sha256 {expected}, got {got}; nothing was kept, "
                    "load it again."
                )
            read_card(fetched)  # what the hub showed of it before may have been another file
            path.with_name(path.name + _HASH_SUFFIX).write_text(
                f"{expected}  {path.name}\n# {hub_file}\n", encoding="utf-8"
            )
            fetched.replace(path)
    except OSError as error:
        raise WeightsError(
            f"Expected to write {path.name} to {folder}, got {error.strerror or error}; check the "
            "folder and the free space."
        ) from error
    return path


def _check_origin(path: Path, hub_file: HubFile) -> None:
    """Raise WeightsError for a file of another name, which a disk that ignores case gives."""
    beside = path.with_name(path.name + _HASH_SUFFIX)
    lines = beside.read_text(encoding="utf-8").splitlines() if beside.is_file() else []
    origin = lines[1].removeprefix("# ") if len(lines) > 1 else str(hub_file)  # unknown
    if origin != str(hub_file):
        raise WeightsError(
            f"Expected {hub_file} at {path.name}, got {origin}, whose name differs in case alone; "
            "move that file to another folder."
        )


def _remove_stale(folder: Path) -> None:
    """Remove downloads that a killed process left."""
    for partial in folder.glob(f"{_FETCHING}*"):
        times = [path.stat().st_mtime for path in (partial, *partial.rglob("*")) if path.exists()]
        if max(times, default=0) < time.time() - _STALE_SECONDS:
            shutil.rmtree(partial, ignore_errors=True)
