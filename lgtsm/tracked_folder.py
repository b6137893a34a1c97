"""A folder that keeps what was tracked in a file, so that painting again is cheap."""

from __future__ import annotations

import json
import zipfile
from hashlib import sha256
from pathlib import Path

from .errors import VideoError
from .tracking.kept import Packed
from .whole_file import WholeFile

_INDEX = "index.json"


class TrackedFolder:
    """Stretches of one source by name, a file each; damaged files count as missing."""

    def __init__(self, folder: Path, source: Path) -> None:
        """Create the folder.

        Args:
            folder: for the files.
            source: video file or folder of images; a changed one is tracked anew.

        Raises:
            VideoError: it cannot be created.
        """
        files = sorted(source.iterdir()) if source.is_dir() else [source]
        states = [(str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns) for f in files]
        self._folder, self._source = folder, repr(states).encode()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise VideoError(
                f"Expected a folder to keep what is tracked in, got {folder} ({error.strerror}); "
                "choose another."
            ) from error

    def _path(self, name: str) -> Path:
        return self._folder / f"{sha256(self._source + name.encode()).hexdigest()[:32]}.tracked"

    def get(self, name: str) -> list[Packed] | None:
        """Read a stretch; None where there is no whole file of it."""
        try:
            with zipfile.ZipFile(self._path(name)) as archive:
                entries = json.loads(archive.read(_INDEX))
                return [
                    Packed(archive.read(str(number)), (height, width), trust)
                    for number, (height, width, trust) in enumerate(entries)
                ]
        except (OSError, zipfile.BadZipFile, KeyError, ValueError):
            return None

    def __setitem__(self, name: str, found: list[Packed]) -> None:
        entries = [[*one.size, one.trust] for one in found]
        with WholeFile(self._path(name)) as path, zipfile.ZipFile(path, "w") as archive:
            archive.writestr(_INDEX, json.dumps(entries))
            for number, one in enumerate(found):
                archive.writestr(str(number), one.data)
