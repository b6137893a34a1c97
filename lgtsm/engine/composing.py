"""Fills back at source size and inside the hole only: what changes in every frame of a shot."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..box import Box, hole_box
from ..copying.plates import Plate, resize_picture
from ..masks.morph import feather_weights
from .bands import Bands
from .filling import Fill
from .fitting import Fit, to_source


@dataclass(frozen=True)
class Patch:
    """What changes in one frame.

    index: number of the frame in the stream.
    box: part of the source frame, None where nothing changes.
    pixels: (3,h,w) float32 covering `box`, equal to the source outside the hole; None without a box.
    depends_from: first frame that can have a key frame which this or a later patch depends on.
    unseen: (1,h,w) bool covering `box`, what no frame shows; only of a key frame that was left open.
    """

    index: int
    box: Box | None
    pixels: Tensor | None
    depends_from: int = 0
    unseen: Tensor | None = None


@dataclass(frozen=True)
class _WaitingFrame:
    """The part of a source frame that composing reads, kept until its fill is there.

    box: of the hole; around: covered by `pixels` (3,h,w) and `hole` (1,h,w) bool.
    """

    box: Box
    around: Box
    pixels: Tensor
    hole: Tensor


class ShotComposer:
    """Puts the fills of one shot into its source frames.

    Args:
        fit: source and working size.
        feather_px: width of the soft edge inside the hole, in source pixels.
        plates: one with a frame number replaces that frame's fill with its own source-size pixels.
        reach: largest distance of a source frame, in frames; None to add no detail.
    """

    def __init__(
        self, fit: Fit, *, feather_px: int, plates: Sequence[Plate], reach: int | None
    ) -> None:
        self.fit, self.feather_px, self.plates = fit, feather_px, plates
        self._bands = None if reach is None else Bands(fit, reach)
        self._key_frames: tuple[int, ...] = ()
        self._waiting: deque[tuple[int, _WaitingFrame | None]] = deque()

    def push(self, index: int, frame: Tensor, hole: Tensor, working: Tensor) -> None:
        """Add the next source frame (3,H,W) with its hole (1,H,W) and its working frame (3,h,w)."""
        box, kept = hole_box(hole), None
        if box is not None:
            whole = Box(0, 0, *self.fit.source)
            around = box.grow(self.feather_px + 1) & whole
            # copies: a view would keep the whole frame in memory
            pixels, part = (
                x[:, around.rows, around.columns].to("cpu", dtype, copy=True)
                for x, dtype in ((frame, torch.float32), (hole, torch.bool))
            )
            kept = _WaitingFrame(box, around, pixels, part)
        self._waiting.append((index, kept))
        if self._bands is not None:
            self._bands.push(frame, hole, working)

    @property
    def next_index(self) -> int:
        """Number in the stream of the frame that is composed next."""
        return self._waiting[0][0]

    def compose(self, number: int, fill: Fill | None, place: Tensor | None = None) -> Patch:
        """Put the fill of the next frame, `number` in its shot, into its source frame.

        Args:
            number: of the frame in its shot.
            fill: of the frame.
            place: (1,h,w) of the whole working frame, 1 = shown by no frame; of a key frame left open.
        """
        index, source = self._waiting.popleft()
        if self._bands is not None:
            self._key_frames = fill.key_frames if fill else self._key_frames
            self._bands.forget(number, self._key_frames)
        if source is None or fill is None:
            return Patch(index, None, None)
        rows, columns = source.box.within(source.around)
        inside = source.pixels.clone()
        inside[:, rows, columns] = self._at_source_size(index, source.box, fill).to(inside)
        pixels = compose(source.pixels, inside, source.hole.float(), self.feather_px)
        unseen = None
        if place is not None:
            large = to_source(place.cpu(), Box(0, 0, *self.fit.padded), source.box, self.fit)
            unseen = (large > 0.5) & source.hole[:, rows, columns]
        return Patch(index, source.box, pixels[:, rows, columns], unseen=unseen)

    def _at_source_size(self, index: int, wanted: Box, fill: Fill) -> Tensor:
        """Return (3,h,w), the fill of a part of a source frame."""
        large = to_source(fill.pixels, fill.box, wanted, self.fit)
        if self._bands is not None and fill.sources is not None:
            large = (large + self._bands.detail(fill.sources, wanted)).clamp(0, 1)
        if self.fit.resized:
            # the editor's own pixels; of several plates the first one wins
            for plate in reversed([p for p in self.plates if p.frame == index]):
                part = (..., wanted.rows, wanted.columns)
                own = resize_picture(plate.picture, self.fit.source)[part].to(large)
                if plate.mask is not None:
                    shown = resize_picture(plate.mask.to(large), self.fit.source)[part] > 0.5
                    own = torch.where(shown, own, large)
                large = own
        return large


def compose(source: Tensor, fill: Tensor, hole: Tensor, feather_px: int) -> Tensor:
    """Put a fill into a hole, with a soft edge that runs inwards.

    The part of the frame must include `feather_px` + 1 pixels around the hole, or the frame's edge.

    Args:
        source: (3,h,w) float.
        fill: (3,h,w) float.
        hole: (1,h,w) 0 or 1, 1 = hole.
        feather_px: width of the soft edge.

    Returns:
        (3,h,w), equal to `source` bit for bit outside the hole.
    """
    if feather_px:
        weights = feather_weights(hole, feather_px)
        fill = weights * fill + (1 - weights) * source
    # not a*(1-m) + b*m: that would round known pixels and spread NaN
    return torch.where(hole > 0, fill, source)
