"""Weight files of a hub in a folder of the user's choice, each with its SHA-256 beside it.

The hub's own cache lies hidden in the user's home; programs that keep all models in one folder of
theirs want the files there, under readable names.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..errors import WeightsError
from .header import read_card
from .hub import HubFile, ask_hash, download, sha256_of

_HASH_SUFFIX = ".sha256"
_MAIN = "main"


def shelf_name(hub_file: HubFile) -> str:
    """Return the file name of a hub_file in a folder."""
    # a revision keeps its @, so that no folder of the repository can have its name
    revision = "" if hub_file.revision == _MAIN else f"@{hub_file.revision}"
    parts = [hub_file.repo + revision, hub_file.file.removesuffix(".safetensors")]
    return "--".join(parts).replace("/", "--") + ".safetensors"


def check_hash(path: Path, sha256: str | None = None) -> None:
    """Check a file against its SHA-256; a file that has none beside it is not checked.

    Args:
        path: of the weights.
        sha256: what a catalogue says; None takes the file beside it.

    Raises:
        WeightsError: other bytes.
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
    """Return a whole and checked file of a hub, from a folder if it is there.

    Args:
        folder: created if need be; the file appears in it only when it is whole and checked.
        hub_file: what to fetch.
        sha256: what the catalogue says; None trusts the hash that the hub states.

    Returns:
        The path in the folder; its SHA-256 lies beside it.

    Raises:
        WeightsError: as `hub.fetch`; a file in the folder that was changed; no such folder.
    """
    path = folder / shelf_name(hub_file)
    if path.is_file():
        check_hash(path, sha256)
        return path
    expected = ask_hash(hub_file, sha256)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as partial:
            fetched = download(hub_file, Path(partial))
            got = sha256_of(fetched)
            if got != expected:
                raise WeightsError(
                    f"Expected {hub_file} with sha256 {expected}, got {got}; nothing was kept, "
                    "load it again."
                )
            read_card(fetched)  # another program's file must not get a place among ours
            path.with_name(path.name + _HASH_SUFFIX).write_text(
                f"{expected}  {path.name}\n", encoding="utf-8"
            )
            fetched.replace(path)
    except OSError as error:
        raise WeightsError(
            f"Expected to write {path.name} to {folder}, got {error.strerror or error}; check the "
            "folder and the free space."
        ) from error
    return path
