"""Files and folders that appear under their name only when they are whole."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
import weakref
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_SUFFIX = ".partial"
_LONG_NAME = 200
"""Bytes; most file systems allow 255."""


class WholeFile:
    """A file written under a temporary name beside its target, then renamed in one step.

    A `with` block gets the temporary path; at its end the file replaces the target, or is removed
    if the block raises. Close the file inside the block: Windows does not rename open files.
    """

    def __init__(self, target: Path) -> None:
        """Create the temporary file, which proves that the folder can be written.

        Args:
            target: final path; its folder exists.

        Raises:
            OSError: the file cannot be created.
        """
        self.target = target
        # In the same folder, so that the rename stays on one disk; hidden from listings.
        self._prefix = f".{short_name(target.name)}."
        self.path = target.with_name(f"{self._prefix}{uuid.uuid4().hex[:12]}{_SUFFIX}")
        self._create()
        # Also runs when the object is dropped without `commit` or `discard`.
        self._remove = weakref.finalize(self, _delete, self.path)

    def _create(self) -> None:
        self.path.touch(exist_ok=False)
        self._mode = self.path.stat().st_mode

    def commit(self) -> None:
        """Rename to the target, replacing an existing one.

        Raises:
            OSError: the target cannot be replaced.
        """
        # Libraries that replace the file (safetensors) make it private; restore the umask's mode.
        self.path.chmod(self._mode)
        self.path.replace(self.target)
        self._remove.detach()

    def remove_older(self) -> None:
        """Remove what killed processes have left of the same target; no other may write it now."""
        name = re.compile(re.escape(self._prefix) + "[0-9a-f]{12}" + re.escape(_SUFFIX))
        with suppress(OSError):
            for path in self.target.parent.iterdir():
                if path != self.path and name.fullmatch(path.name):
                    _delete(path)

    def discard(self) -> None:
        """Remove the temporary file or folder; does nothing after `commit`."""
        self._remove()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.commit()
        finally:
            self.discard()


class WholeFolder(WholeFile):
    """A folder written under a temporary name; an existing target is filled, not emptied."""

    def _create(self) -> None:
        self.path.mkdir()

    def commit(self) -> None:
        """Rename to the target, or move the files one by one into a target that exists.

        Raises:
            OSError: a file cannot be moved.
        """
        if self.target.exists():
            for file in sorted(self.path.iterdir()):
                file.replace(self.target / file.name)
            self.path.rmdir()
        else:
            self.path.replace(self.target)
        self._remove.detach()


def short_name(name: str) -> str:
    """Return a name, or a digest of a long one, to which something may be added."""
    raw = os.fsencode(name)
    return name if len(raw) <= _LONG_NAME else hashlib.sha256(raw).hexdigest()[:16]


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
