"""Weight files of a hub in a models folder, such as ComfyUI's, each with its SHA-256 beside it.

The hub's own cache is hidden in the user's home; programs with a folder for all their models expect
the files there, under readable names.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..errors import WeightsError
from .header import read_card, sha256_of
from .hub import MAIN, HubFile, ask_hash, download

_HASH_SUFFIX = ".sha256"


def local_name(hub_file: HubFile) -> str:
    """Return the name of a hub file in a models folder."""
    # a revision keeps its @, which no folder of the repository can begin with
    revision = "" if hub_file.revision == MAIN else f"@{hub_file.revision}"
    parts = [hub_file.repo + revision, hub_file.file.removesuffix(".safetensors")]
    return "--".join(parts).replace("/", "--") + ".safetensors"


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
            read_card(fetched)  # refuse files of other programs
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
