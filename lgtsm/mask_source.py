"""The mask of a file job: boxes, a still image, a film or a folder, checked before any work."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from .engine.hooks import Hooks
from .errors import ShapeError
from .mask_options import LengthPolicy, MaskOptions
from .masks.boxes import MaskBox, box_masks
from .masks.fit import fit, stretched
from .masks.prepare import EMPTY_MASK, INVERTED_RATIO, binary_hole, inverted_mask
from .video.image import is_still
from .video.probe import VideoInfo, count_frames
from .video.read import read_masks

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class MaskSource:
    """Masks of one source.

    mask: a file or folder, or boxes.
    options: how masks become holes.
    info: of the source.
    source: file or folder of the frames.
    """

    mask: Path | list[MaskBox]
    options: MaskOptions
    info: VideoInfo
    source: Path

    @property
    def size(self) -> tuple[int, int]:
        """Return (height, width) of the frames."""
        return self.info.height, self.info.width

    @property
    def _absent(self) -> float:
        """Return the value of a mask that leaves a frame as it is."""
        return 1.0 if self.options.invert else 0.0

    def check(self, hooks: Hooks, notes: list[str]) -> tuple[int, float]:
        """Compare the mask with the frames, decoding it no further than its first hole.

        Args:
            hooks: asked to stop at every mask.
            notes: receives what the user should know, which is also logged.

        Returns:
            Number of masks, 0 where boxes stand for any number of frames; fraction of the frame,
            before growing, that the first mask with a hole covers, 0 where none has.

        Raises:
            ShapeError: another shape than the frames, or a length that the policy refuses.
            VideoError: the mask cannot be read.
        """

        def tell(note: str) -> None:
            notes.append(note)
            _LOG.warning("%s", note)

        number, coverage = 0, 0.0
        if isinstance(self.mask, list):
            coverage = max(float(next(box_masks(self.mask, *self.size)).mean()), 1e-9)
        else:
            number = count_frames(self.mask, self.source)
            self._check_number(number)
            masks = read_masks(self.mask, frames_of=self.source, absent=self._absent, tell=tell)
            for index, mask in enumerate(hooks.checked(masks)):
                fitted = fit(mask, self.size, self.options)
                if index == 0 and fitted is not mask:
                    tell(stretched(mask, self.size))
                coverage = float(binary_hole(fitted, self.options, index).mean())
                if coverage:
                    break
        if not coverage:
            tell(EMPTY_MASK)
        elif coverage > INVERTED_RATIO:
            tell(inverted_mask(coverage))
        return number, coverage

    def _check_number(self, number: int) -> None:
        refused = self.options.length is LengthPolicy.ERROR and number > 1
        if refused and self.info.num_frames_exact and number != self.info.num_frames:
            frames = count_frames(self.source)  # headers err, and nobody should redo a right mask
            if number != frames:
                raise ShapeError(
                    f"Expected one mask or {frames} like the frames, got {number}; add or cut "
                    "masks, or repeat the last one (--length hold) or all (--length loop)."
                )

    def read(
        self, start: int, end: int | None, *, strict: bool = False
    ) -> tuple[Iterator[Tensor], MaskOptions, int]:
        """Read the masks of a range of frames.

        Args:
            start: first frame of the range.
            end: frame after its last one; None is the end of the file.
            strict: as in `read_frames`.

        Returns:
            Masks (1,H,W); the options to prepare them with; number of masks before the range.
        """
        if isinstance(self.mask, list):
            options = replace(self.options, length=LengthPolicy.HOLD)  # boxes never end
            return box_masks(self.mask, *self.size, start=start), options, 0
        # masks are numbered like the frames of the file: those before the range count, and those
        # after it as far as a hole grows in time
        last = None if end is None else end + self.options.temporal_gap + self.options.temporal_grow
        return (
            self.part(0, None if is_still(self.mask) else last, strict=strict),
            self.options,
            start,
        )

    def part(self, start: int, end: int | None = None, *, strict: bool = False) -> Iterator[Tensor]:
        """Read some masks of a file or folder at the size of the frames, without telling how.

        Args:
            start: number of the first.
            end: number after the last; None reads to the end.
            strict: as in `read_frames`.

        Yields:
            Masks (1,H,W).
        """
        assert isinstance(self.mask, Path)
        masks = read_masks(
            self.mask,
            start=start,
            end=end,
            strict=strict,
            frames_of=self.source,
            absent=self._absent,
            tell=_LOG.debug,
        )
        for mask in masks:
            yield fit(mask, self.size, self.options)
