"""Finished patches of a running file job, on disk, so that an interrupted job can be resumed.

Only hole pixels are stored: the rest of a patch equals the frame, which is read again anyway. One
job at a time holds the journal of a target, and its blocks carry that job's id and a checksum.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import shutil
from contextlib import suppress
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .box import Box
from .engine.composing import Patch
from .errors import Cancelled, LgtsmError, OptionError, VideoError
from .tensor_digest import tensor_digest
from .whole_file import WholeFile, short_name

_LOG = logging.getLogger(__name__)
_BLOCK = 16
"""Frames per file: at most so many are lost by an abrupt end; set by hand, not swept."""
_FORM = 4
"""Version of the file format; blocks of another version belong to another job."""
_LEAST_FREE = 2**28
"""Bytes of free disk space left to the output; set by hand, not swept."""
_LOCK, _OWNER, _CARD = "lock", "owner.txt", "job.json"


def journal_folder(target: Path) -> Path:
    """Return the folder of a target's journal, beside the target."""
    return target.with_name(f"{short_name(target.name)}.lgtsm-partial")


class TargetBusyError(VideoError):
    """Another job is writing the target."""


class OtherJobError(OptionError):
    """The journal of a target is of another job, which cannot be resumed as this one."""


class Journal:
    """Hole pixels of frames 0 ... count-1 of one job, float32, in blocks.

    `key_frames_from` is `Patch.depends_from` of the last of them. The journal is held until `leave` or
    `remove`; the system lets it go where a process is killed.

    Args:
        target: output of the job.
        job: everything the result depends on; only the same job can be resumed.
        resume: continue the journal of an interrupted run, otherwise start a new one.

    Raises:
        OtherJobError: the journal belongs to another job.
        TargetBusyError: another job is writing the target.
    """

    def __init__(self, target: Path, job: dict[str, object], *, resume: bool) -> None:
        self.folder = journal_folder(target)
        self._lock = FileLock(self.folder / _LOCK, timeout=0, thread_local=False)
        self._block: dict[str, Tensor] = {}
        self._loaded: tuple[int, dict[str, Tensor]] = (-1, {})
        self.count = self.key_frames_from = self._depends_from = 0
        described = json.loads(json.dumps(job | {"form": _FORM}, default=str))
        self._job = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
        try:
            self._take(target)
            if resume and self._is_of(described):
                self.count = self._whole_blocks()
            else:
                self._begin(described)
        except (OSError, NotImplementedError) as error:  # the latter: a disk without locks
            self._give_up(error)
        except LgtsmError:
            self._lock.release()
            raise

    def _take(self, target: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Timeout as error:
            owner = "another job"
            with suppress(OSError, ValueError):
                owner = (self.folder / _OWNER).read_text(encoding="utf-8")
            raise TargetBusyError(
                f"Expected {target} to be written by one job at a time, got a second one beside "
                f"{owner}; wait until that ends, or choose another name."
            ) from error
        (self.folder / _OWNER).write_text(
            f"process {os.getpid()} on {platform.node()}", encoding="utf-8"
        )

    def _is_of(self, described: object) -> bool:
        """Tell whether there is a journal of this job; raises OtherJobError for another job's."""
        before = None
        with suppress(OSError, ValueError):  # what cannot be read is replaced
            before = json.loads((self.folder / _CARD).read_text(encoding="utf-8"))
        if before not in (None, described):
            raise OtherJobError(
                f"Expected {self.folder} to hold the same job, got another one's; repeat it with "
                "the same files and options, or run without resume."
            )
        return before is not None

    def _begin(self, described: object) -> None:
        for path in self.folder.iterdir():
            if path.name not in (_LOCK, _OWNER):
                path.unlink()
        (self.folder / _CARD).write_text(json.dumps(described, indent=1), encoding="utf-8")

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08d}.safetensors"

    def _read(self, number: int) -> tuple[str, dict[str, Tensor]] | None:
        """Return what a block's last patch depends on, and the block.

        None where there is none, or it is damaged or of another job.
        """
        try:
            with safe_open(self._path(number), "pt") as file:
                said = file.metadata()
                # copies: a mapped file that is cut short would end the process
                block = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError):
            return None
        since = (said or {}).get("depends_from", "")
        return (since, block) if said == self._said(number, since, block) else None

    def _said(self, number: int, since: str, block: dict[str, Tensor]) -> dict[str, str]:
        """Return what the header of a whole block of this job says."""
        digest = tensor_digest(block | {f"depends_from {since}": torch.zeros(0)})
        said = {"job": self._job, "block": str(number), "depends_from": since}
        return said | {"sha256": digest}

    def _whole_blocks(self) -> int:
        """Return the number of frames in consecutive whole blocks."""
        number = count = 0
        while (found := self._read(number)) is not None:
            number, count = number + 1, count + len(found[1])
            self.key_frames_from = int(found[0])
        if self._path(number).is_file():
            _LOG.warning(
                "%s is damaged or of another job; frames from %d on are computed again",
                self._path(number),
                count,
            )
        return count

    def patch(self, index: int, frame: Tensor, hole: Tensor) -> Patch:
        """Return a finished patch.

        Args:
            index: of the frame, below `count`.
            frame: (3,H,W) source frame.
            hole: (1,H,W), 1 = hole.

        Raises:
            VideoError: its block was damaged since the journal was opened.
        """
        number = index // _BLOCK
        if self._loaded[0] != number:
            found = self._read(number)
            if found is None:
                raise VideoError(
                    f"Expected {self._path(number)} as it was when this job began, got another "
                    "file; run again with resume."
                )
            self._loaded = (number, found[1])
        block = self._loaded[1]
        key = next(key for key in block if int(key.partition(" ")[0]) == index)
        corners = [int(c) for c in key.split(" ")[1:]]
        if not corners:
            return Patch(index, None, None)
        box = Box(*corners)
        pixels = frame[:, box.rows, box.columns].clone()
        pixels[:, hole[0, box.rows, box.columns] > 0] = block[key]
        return Patch(index, box, pixels)

    def add(self, patch: Patch, hole: Tensor) -> None:
        """Store the hole (1,H,W) of a patch; patches come in order, starting at `count`."""
        key = str(patch.index)
        value = torch.zeros(0)
        if patch.box is not None and patch.pixels is not None:
            box = patch.box
            key = f"{patch.index} {box.top} {box.left} {box.bottom} {box.right}"
            value = patch.pixels[:, hole[0, box.rows, box.columns] > 0]
        self._block[key] = value
        self._depends_from = patch.depends_from
        if (patch.index + 1) % _BLOCK == 0:
            self._write(patch.index // _BLOCK, patch.depends_from)

    def finish(self, num_frames: int) -> None:
        """Store the patches that fill no block; then all `num_frames` are there, and none is added."""
        if self._block:
            self._write((num_frames - 1) // _BLOCK, self._depends_from)

    def _write(self, number: int, since: int) -> None:
        if self._lock.is_locked:
            try:
                size = sum(v.nbytes for v in self._block.values())
                if shutil.disk_usage(self.folder).free < _LEAST_FREE + size:
                    raise OSError(f"less than {_LEAST_FREE >> 20} MB would be left on its disk")
                block = {key: value.cpu().contiguous() for key, value in self._block.items()}
                with WholeFile(self._path(number)) as partial:
                    save_file(block, partial, self._said(number, str(since), block))
            except (OSError, SafetensorError) as error:
                self._give_up(error)
        self._block = {}

    def _give_up(self, error: Exception) -> None:
        """Continue without a journal, which is only a convenience."""
        _LOG.warning("this job cannot be resumed after an interruption: %s", error)
        self.remove()

    def leave(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Remove the journal of a finished job, or of a failed one without patches; keep others.

        For `ExitStack.push`, around everything that makes the result whole.
        """
        failed = isinstance(error, LgtsmError) and not isinstance(error, Cancelled)
        if error is None or (failed and not self._path(0).is_file()):
            self.remove()
        elif failed and self._lock.is_locked:
            _LOG.warning("finished frames are kept in %s, resume goes on from there", self.folder)
        self._lock.release()

    def keep(self) -> None:
        """Let others in, and leave everything as it is.

        Raises:
            VideoError: patches could not be stored.
        """
        if not self._lock.is_locked:
            raise VideoError(
                f"Expected to store the frames of {self.folder}, got a disk without space or locks; "
                "make room."
            )
        self._lock.release()

    def remove(self) -> None:
        """Delete everything and let others in; another job's journal is left alone."""
        if self._lock.is_locked:
            self._lock.release()  # first, because Windows removes no open file
            shutil.rmtree(self.folder, ignore_errors=True)
