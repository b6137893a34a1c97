"""The base of all writers: output that appears under its name only once it is complete."""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from av.error import FFmpegError

from ..errors import LgtsmError, VideoError
from ..whole_file import WholeFile, WholeFolder

_log = logging.getLogger(__name__)

AnyOutput = TypeVar("AnyOutput", bound="Output")


_ADVICE = {
    "ENOSPC": "free space on its disk",
    "EDQUOT": "free space in your quota",
    "ENOENT": "choose an existing folder",
    "EACCES": "check the rights of its folder",
    "EPERM": "check the rights of its folder",
    "EROFS": "choose a place that can be written",
    "ENAMETOOLONG": "choose a shorter name",
    "EFBIG": "choose a disk that holds such large files",
    "EIO": "check its disk",
}
_OTHERWISE = "write another kind of file (.mkv takes most codecs and streams)"


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
        advice = _ADVICE.get(
            errno.errorcode.get(getattr(error, "errno", None) or 0, ""), _OTHERWISE
        )
        raise VideoError(f"Expected to write {target}, got: {reason}; {advice}.") from error


def is_folder_name(target: Path) -> bool:
    """Tell whether a target names a folder: an existing one, or a name without a suffix."""
    return target.is_dir() or not target.suffix


_OF_SYSTEMS = ("Thumbs.db", "desktop.ini")


def _is_numbered(name: str) -> bool:
    return re.fullmatch(r"\d{6,}\.png", name) is not None


def _check_folder(target: Path, is_ours: Callable[[str], bool]) -> None:
    """Refuse to pour images into a folder of other things; raises VideoError."""
    names = [p.name for p in target.iterdir() if p.name[0] != "." and p.name not in _OF_SYSTEMS]
    if names and not any(map(is_ours, names)):
        raise VideoError(
            f"Expected a new folder, an empty one or an earlier result for images, got {target} with "
            f"other files; name a file in it ({target.name}/clean.mp4) or choose a new folder."
        )


class Output:
    """A file or folder of frames.

    Use it in a `with` block: the target gets its name at the end, and an exception removes
    everything written so far.
    """

    def __init__(
        self,
        target: Path,
        *,
        folder: bool,
        source: Path | None = None,
        is_ours: Callable[[str], bool] = _is_numbered,
    ) -> None:
        """Create the temporary file or folder, which proves that the target can be written.

        Args:
            target: final path.
            folder: write a folder.
            source: file or folder that the target must not replace.
            is_ours: tells whether a file of a folder may come from an earlier run of the job.

        Raises:
            VideoError: the target is the source, of the other kind or a folder of other things, or
                cannot be written.
        """
        if str(target) == "-":
            raise VideoError(
                "Expected a file or folder to write, got -; name one, since stdout takes no film."
            )
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
        if folder and target.exists():
            _check_folder(target, is_ours)
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
                # before the name is given: a film that bears its name may be taken as finished
                self._whole.remove_older()
                self._whole.commit()
