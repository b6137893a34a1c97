"""Key frames that are painted in colour, in the two folders of a project: as written, and as painted."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import OptionError
from .painted import opened_picture, write_file
from .pictures import encoded

_NUMBER = re.compile(r"frame_(\d{6,9})\.png")


class PaintedKeys:
    """The key frames of a film: what other frames show of them, and what was painted into them.

    written: folder of `write_key_frames`; painted: the same, of the painted ones alone, given as plate.
    """

    def __init__(self, folder: Path, size: tuple[int, int]) -> None:
        """Take the folder of the project and the size (height, width) of the frames."""
        self.written, self.painted, self._size = folder / "keys", folder / "plates", size

    def numbers(self) -> list[int]:
        """Return the key frames, ascending."""
        return _numbers(self.written)

    def painted_numbers(self) -> list[int]:
        """Return those that were painted, ascending."""
        return _numbers(self.painted)

    def begin(self) -> None:
        """Make way for key frames that are written anew; painted ones stay."""
        shutil.rmtree(self.written, ignore_errors=True)

    def png(self, kind: str, number: int) -> bytes:
        """Return a key frame (key), painted or not, or the mask of what no frame shows (unseen).

        Raises:
            OptionError: it is no key frame.
        """
        name = f"{'frame' if kind == 'key' else 'mask'}_{number:06}.png"
        for folder in (self.painted, self.written):
            path = folder / name
            if path.is_file():
                with Image.open(path) as picture:  # 16 bits, which a canvas does not need
                    return encoded(np.asarray(picture.convert("RGB" if kind == "key" else "L")))
        raise OptionError(f"Expected a key frame, got frame {number}; choose one of those marked.")

    def paint(self, number: int, data: bytes) -> None:
        """Keep a painted key frame.

        Args:
            number: of the frame.
            data: PNG of the size of the frames.

        Raises:
            OptionError: no key frame, or no such picture; VideoError: it cannot be written.
        """
        mask = self.png("unseen", number)
        picture = opened_picture(data, self._size).convert("RGB")
        self.painted.mkdir(exist_ok=True)
        write_file(self.painted / f"mask_{number:06}.png", mask)
        write_file(self.painted / f"frame_{number:06}.png", encoded(np.asarray(picture)))


def _numbers(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    names = (_NUMBER.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(name[1]) for name in names if name)
