"""Finished patches of a running file job, on disk, so that an interrupted job can be resumed.

Only hole pixels are stored: the rest of a patch equals the frame, which is read again anyway.
"""

from __future__ import annotations

import json
import logging
import shutil
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from .box import Box
from .engine.composing import Patch
from .errors import Cancelled, LgtsmError, OptionError
from .whole_file import WholeFile, short_name

_LOG = logging.getLogger(__name__)
_BLOCK = 16
"""Frames per file: at most so many are lost by an abrupt end; set by hand, not swept."""
_FORM = 2
"""Version of the file format; blocks of another version belong to another job."""
_LEAST_FREE = 2**28
"""Bytes of free disk space left to the output; set by hand, not swept."""


def journal_folder(target: Path) -> Path:
    """Return the folder of a target's journal, beside the target."""
    return target.with_name(f"{short_name(target.name)}.lgtsm-partial")


class Journal:
    """Hole pixels of frames 0 ... count-1 of one job, float32, in blocks.

    Args:
        target: output of the job.
        job: everything the result depends on; only the same job can be resumed.
        resume: continue the journal of an interrupted run, otherwise start a new one.

    Raises:
        OptionError: the journal belongs to another job.
    """

    def __init__(self, target: Path, job: dict[str, object], *, resume: bool) -> None:
        self.folder = journal_folder(target)
        self._block: dict[str, Tensor] = {}
        self._loaded: tuple[int, dict[str, Tensor]] = (-1, {})
        self.count = 0
        described = json.loads(json.dumps(job | {"form": _FORM}, default=str))
        card = self.folder / "job.json"
        before = None
        with suppress(OSError, ValueError):  # what cannot be read is replaced
            before = json.loads(card.read_text(encoding="utf-8")) if resume else None
        if before not in (None, described):
            raise OptionError(
                f"Expected {self.folder} to hold the same job, got another one's; repeat it with "
                "the same files and options, or run without resume."
            )
        if before is not None:
            self.count = self._whole_blocks()
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self.folder.mkdir(parents=True)
            card.write_text(json.dumps(described, indent=1), encoding="utf-8")
        except OSError as error:
            self._give_up(error)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08d}.safetensors"

    def _whole_blocks(self) -> int:
        """Return the number of frames in consecutive readable blocks."""
        number = 0
        while self._path(number).is_file():
            try:
                block = load_file(self._path(number))
            except SafetensorError:
                break
            if len(block) < _BLOCK:
                return number * _BLOCK  # a last, short block is computed again
            number += 1
        return number * _BLOCK

    def patch(self, index: int, frame: Tensor, hole: Tensor) -> Patch:
        """Return a finished patch.

        Args:
            index: of the frame, below `count`.
            frame: (3,H,W) source frame.
            hole: (1,H,W), 1 = hole.
        """
        number = index // _BLOCK
        if self._loaded[0] != number:
            self._loaded = (number, load_file(self._path(number)))
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
        if (patch.index + 1) % _BLOCK == 0:
            self._write(patch.index // _BLOCK)

    def _write(self, number: int) -> None:
        if self.folder.is_dir():
            try:
                size = sum(v.nbytes for v in self._block.values())
                if shutil.disk_usage(self.folder).free < _LEAST_FREE + size:
                    raise OSError(f"less than {_LEAST_FREE >> 20} MB would be left on its disk")
                with WholeFile(self._path(number)) as partial:
                    save_file(self._block, partial)
            except (OSError, SafetensorError) as error:
                self._give_up(error)
        self._block = {}

    def _give_up(self, error: Exception) -> None:
        """Continue without a journal, which is only a convenience."""
        _LOG.warning("this job cannot be resumed after an interruption: %s", error)
        shutil.rmtree(self.folder, ignore_errors=True)

    def leave(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Remove a journal without patches after an error; for `ExitStack.push`."""
        failed = isinstance(error, LgtsmError) and not isinstance(error, Cancelled)
        if failed and not self._path(0).is_file():
            self.remove()

    def remove(self) -> None:
        """Delete everything, when the job is done."""
        shutil.rmtree(self.folder, ignore_errors=True)
