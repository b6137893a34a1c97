"""The base of all writers: output that appears under its name only when it is whole."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from av.error import FFmpegError

from ..errors import LgtsmError, VideoError
from ..whole_file import WholeFile, WholeFolder

_log = logging.getLogger(__name__)

AnyOutput = TypeVar("AnyOutput", bound="Output")


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
    except (OSError, FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VideoError(
            f"Expected to write {target}, got: {reason}; check free space, rights and suffix."
        ) from error


def is_folder_name(target: Path) -> bool:
    """Tell whether a target names a folder: an existing one, or a name without a suffix."""
    return target.is_dir() or not target.suffix


class Output:
    """A file or folder of frames.

    Use it in a `with` block: the target gets its name at the end, and an exception removes
    everything written so far.
    """

    def __init__(self, target: Path, *, folder: bool, source: Path | None = None) -> None:
        """Create the temporary file or folder, which proves that the target can be written.

        Args:
            target: final path.
            folder: write a folder.
            source: file or folder that the target must not replace.

        Raises:
            VideoError: the target is the source or of the other kind, or cannot be written.
        """
        kind = "folder" if folder else "file"
        parent = target.absolute().parent
        if source is not None and target.exists() and source.exists() and target.samefile(source):
            raise VideoError(
                f"Expected another {kind} than the source, got {target} twice; choose a new name."
            )
        if not parent.is_dir():
            raise VideoError(f"Expected an existing folder, got {parent}; create it first.")
        if target.exists() and target.is_dir() is not folder:
            raise VideoError(
                f"Expected a {kind} to write, got the existing {target}, which is none; choose "
                "another name."
            )
        self.target = target
        with write_errors(target):
            self._whole = WholeFolder(target) if folder else WholeFile(target)
        self._open = ExitStack()
        """Closes what a subclass has opened, the last first, then removes what is not whole."""
        self._open.callback(self._whole.discard)
        self._num_frames = 0
        self._logged: set[str] = set()

    def _warn_once(self, text: str, *values: object) -> None:
        if text not in self._logged:
            self._logged.add(text)
            _log.warning(text, *values)

    def _finish(self) -> None:
        """Write what is still missing behind the last frame."""

    def __enter__(self: AnyOutput) -> AnyOutput:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Give the file or folder its name, or remove it after an exception.

        Raises:
            VideoError: no frame was written, or the target cannot be written.
        """
        with self._open:
            if kind is not None:
                return
            if not self._num_frames:
                raise VideoError(
                    f"Expected at least one frame for {self.target}, got none; check the range."
                )
            with write_errors(self.target):
                self._finish()
                self._whole.commit()
