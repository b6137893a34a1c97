"""Painted frames as files: what the browser sends, checked before it is decoded."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..engine.hooks import Hooks
from ..errors import OptionError, VideoError
from ..file_tracking import FileClip
from ..mask_options import MaskOptions
from ..masks.morph import grow
from ..masks.prepare import binary_hole
from ..track_options import TrackOptions
from ..tracking.load_tracker import load_tracker
from ..tracking.prompts import Prompt, check_inside
from ..tracking.track import Tracker
from ..whole_file import WholeFile
from .pictures import encoded

_NUMBER = re.compile(r"painted_(\d{6,9})\.png")
RIM, ADDED, OBJECT = 96, 176, 255
"""Levels of a mask that is shown: what is filled beside the object, what was added to it, and the object."""


class PaintedFrames:
    """The painted frames of a project, a PNG file each; white is the object."""

    def __init__(self, folder: Path, size: tuple[int, int], count: int) -> None:
        """Take the folder, and the size (height, width) and number of the film's frames."""
        self.folder, self.size, self.count = folder, size, count

    def path(self, number: int) -> Path:
        """Return the file of a frame."""
        return self.folder / f"painted_{number:06}.png"

    def numbers(self) -> list[int]:
        """Return the frames that are painted, ascending."""
        names = (_NUMBER.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted(number for name in names if name and (number := int(name[1])) < self.count)

    def names(self) -> list[str]:
        """Return FILE@FRAME of every painted frame."""
        return [f"{self.path(number)}@{number}" for number in self.numbers()]

    def save(self, number: int, data: bytes) -> None:
        """Keep what the browser painted.

        Args:
            number: of the frame.
            data: PNG of the size of the frames; bright is the object.

        Raises:
            OptionError: no such frame, or no such picture; VideoError: it cannot be written.
        """
        self.check(number)
        mask = np.asarray(opened_picture(data, self.size).convert("L")) > 127
        self.write(number, torch.from_numpy(mask)[None].float())

    def write(self, number: int, mask: Tensor) -> None:
        """Keep a mask (1,H,W); raises VideoError where it cannot be written."""
        values = (mask[0] > 0.5).byte().mul(255).numpy()
        write_file(self.path(number), encoded(values))

    def remove(self, number: int) -> None:
        """Forget a painted frame."""
        self.path(number).unlink(missing_ok=True)

    def read(self, number: int) -> Tensor | None:
        """Return a painted mask (1,H,W), None where the frame is not painted."""
        try:
            data = self.path(number).read_bytes()
        except FileNotFoundError:
            return None
        values = np.asarray(opened_picture(data, self.size).convert("L"))
        return torch.from_numpy((values > 127).astype(np.float32))[None]

    def check(self, number: int) -> None:
        """Raise OptionError for a frame that the film does not have."""
        if not 0 <= number < self.count:
            raise OptionError(
                f"Expected a frame from 0 to {self.count - 1}, got {number}; choose one of these."
            )


def marked(clip: FileClip, prompt: Prompt, options: TrackOptions) -> Tensor:
    """Return the mask (1,H,W) of what a box or points mean, at the size of the frames.

    Raises:
        OptionError: they lie outside the picture, or nothing was found in them.
    """
    check_inside(prompt, clip.size)
    part = range(prompt.frame, prompt.frame + 1)
    tracker = Tracker(clip, [prompt], (), Hooks(), None, part, load_tracker(options))
    mask = next(iter(tracker.run())).mask
    if not mask.any():
        raise OptionError(
            f"Expected an object there on frame {prompt.frame}, found none; paint it with the brush."
        )
    return mask


def shown_mask(mask: Tensor, options: MaskOptions, whole: Tensor | None = None) -> bytes:
    """Return a mask as PNG in grey: what it covers, what was added, and the rim that is filled beside both.

    Args:
        mask: (1,H,W) as it was painted, found or given.
        options: what turns it into a hole; temporal ones are not shown.
        whole: (1,H,W) with the additions, a hole already; None where there are none.
    """
    hole = binary_hole(mask, options)
    covered = hole if whole is None else torch.maximum(hole, (whole > 0.5).float())
    filled = grow(covered, options.grow_px(mask.shape[-2]))
    levels = torch.where(covered > 0, ADDED, torch.where(filled > 0, RIM, 0))
    return encoded(torch.where(hole > 0, OBJECT, levels)[0].byte().numpy())


def opened_picture(data: bytes, size: tuple[int, int]) -> Image.Image:
    """Open a PNG that a browser sent; only one of the size (height, width) of the film is decoded.

    Raises:
        OptionError: another file, or another size.
    """
    try:
        picture = Image.open(io.BytesIO(data), formats=["PNG"])
        fits = (picture.height, picture.width) == size
        if fits:
            picture.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise OptionError(
            "Expected a painted frame as PNG, got another file; paint again."
        ) from error
    if not fits:
        raise OptionError(
            f"Expected a painted frame of {size[1]}x{size[0]}, got {picture.width}x{picture.height}; "
            "reload the page."
        )
    return picture


def write_file(path: Path, data: bytes) -> None:
    """Write a file that appears once it is complete; raises VideoError where it cannot be written."""
    try:
        with WholeFile(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        raise VideoError(
            f"Expected to write {path}, got: {error.strerror}; make room or choose another folder."
        ) from error
