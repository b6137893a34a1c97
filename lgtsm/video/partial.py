"""Output that appears under its name only when it is whole."""

from __future__ import annotations

import shutil
import uuid
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from ..errors import LgtsmError, VideoError


@contextmanager
def write_errors(target: Path) -> Iterator[None]:
    """Turn every failure to write into one sentence.

    Args:
        target: file or folder that is being written, for the message.

    Raises:
        VideoError: something inside could not be written (full disk, missing rights, encoder).
    """
    try:
        yield
    except LgtsmError:
        raise
    except (OSError, av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(
            f"Expected to write {target}, got: {reason}; check free space, rights and suffix."
        ) from error


def _unique(target: Path) -> Path:
    # Hidden, beside the target: the final rename stays on one disk.
    return target.with_name(f".{target.stem}.{uuid.uuid4().hex[:12]}{target.suffix}")


def _check_parent(target: Path) -> None:
    parent = target.absolute().parent
    if not parent.is_dir():
        raise VideoError(f"Expected an existing folder, got {parent}; create it first.")


class PartialFile:
    """A file under a temporary name beside its target."""

    def __init__(self, target: Path) -> None:
        """Create the temporary file, which proves that the folder can be written.

        Args:
            target: final path.

        Raises:
            VideoError: the folder is missing or cannot be written, or the target is a folder.
        """
        _check_parent(target)
        if target.is_dir():
            raise VideoError(f"Expected a file to write, got the folder {target}; add a file name.")
        self.target, self.path = target, _unique(target)
        with write_errors(target):
            self.path.touch(exist_ok=False)
        # Also when a writer is dropped without being closed.
        self._cleaner = weakref.finalize(self, _remove_file, self.path)

    def commit(self) -> None:
        """Give the file its final name, replacing an older one.

        Raises:
            VideoError: the name is taken by something that cannot be replaced.
        """
        with write_errors(self.target):
            self.path.replace(self.target)
        self._cleaner.detach()

    def discard(self) -> None:
        """Remove the temporary file; harmless when it is gone."""
        self._cleaner()


class PartialFolder:
    """A folder under a temporary name beside its target."""

    def __init__(self, target: Path) -> None:
        """Create the temporary folder, which proves that the parent can be written.

        Args:
            target: final path; an existing folder is filled, not emptied.

        Raises:
            VideoError: the parent is missing or cannot be written, or the target is a file.
        """
        _check_parent(target)
        if target.exists() and not target.is_dir():
            raise VideoError(f"Expected a folder to write, got the file {target}; choose a folder.")
        self.target, self.path = target, _unique(target)
        with write_errors(target):
            self.path.mkdir()
        self._cleaner = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def commit(self) -> None:
        """Give the folder its final name; files go one by one into a folder that exists.

        Raises:
            VideoError: something stands in the way.
        """
        with write_errors(self.target):
            if self.target.exists():
                for file in sorted(self.path.iterdir()):
                    file.replace(self.target / file.name)
                self.path.rmdir()
            else:
                self.path.replace(self.target)
        self._cleaner.detach()

    def discard(self) -> None:
        """Remove the temporary folder; harmless when it is gone."""
        self._cleaner()


def _remove_file(path: Path) -> None:
    path.unlink(missing_ok=True)
