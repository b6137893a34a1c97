"""Lines of text over time: found in some frames, followed through all, each from its first to its last."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, islice, takewhile

import torch
from torch import Tensor

from ...box import Box
from ...errors import ShapeError
from .detector import Detector
from .glyphs import Line, glyph_mask, line_box, read_line, shown_cells
from .options import TextOptions, TextShape

_LEAST_SECONDS = 0.25
"""Lines that stay in place for less belong to the scene, which moves; set by hand, as all below."""
_TALLEST = 0.2
"""Height of a line as a share of the picture's; what is taller is no subtitle."""
_SAME_PLACE = 0.5
"""Intersection over union of the boxes of one line."""


def text_masks(
    frames: Iterable[Tensor],
    detect: Detector,
    *,
    rate: Fraction = Fraction(24),
    options: TextOptions = TextOptions(),  # noqa: B008  frozen
    region: Box | None = None,
) -> Iterator[Tensor]:
    """Mask burned-in text, which stays in its place while it is shown.

    Args:
        frames: (3,H,W) float in [0,1], of one size.
        detect: finds lines of text in a picture (`text_detector`).
        rate: frames a second.
        options: how text becomes a mask.
        region: part of the picture in which text is looked for; None is all of it.

    Yields:
        (1,H,W) float32, 0 or 1, 1 = text, one per frame; later than its frame by about two
        detections. Memory is that of so many frames.

    Raises:
        ShapeError: frames of several sizes.
    """
    step = max(1, math.floor(rate / Fraction(options.detections)))
    least = max(2, math.ceil(rate * Fraction(_LEAST_SECONDS)))
    joined = _Joined(detect, options.shape, region, least)
    before: deque[_Shown] = deque()
    after: deque[_Shown] = deque()
    clip = iter(frames)
    for number in count():
        for frame in islice(clip, least - len(after)):
            after.append(_Shown.of(frame, after or before, number + len(after)))
        if not after:
            break
        joined.follow(after[0])
        if number % step == 0:
            joined.look(before, after)
        before.append(after.popleft())
        if len(before) > step + least:
            yield before.popleft().mask
    yield from (one.mask for one in before)


@dataclass
class _Shown:
    """A frame (3,H,W) and its mask (1,H,W)."""

    frame: Tensor
    mask: Tensor

    @classmethod
    def of(cls, frame: Tensor, others: Sequence[_Shown], number: int) -> _Shown:
        """Take a frame of the size of others."""
        if others and frame.shape != others[0].frame.shape:
            raise ShapeError(
                f"Expected frames of {tuple(others[0].frame.shape)}, got {tuple(frame.shape)} at "
                f"frame {number}; give frames of one size."
            )
        return cls(frame.detach().cpu().float(), torch.zeros(1, *frame.shape[-2:]))


@dataclass
class _Followed:
    """A line, the frames that show it but are not masked yet, and how many frames show it."""

    line: Line
    pending: list[_Shown]
    seen: int


class _Joined:
    """The lines that a frame shows, from frame to frame."""

    def __init__(self, detect: Detector, shape: TextShape, region: Box | None, least: int) -> None:
        self._detect, self._shape, self._region, self._least = detect, shape, region, least
        self._lines: list[_Followed] = []

    def follow(self, now: _Shown) -> None:
        """Go on to the next frame; lines that it does not show have ended."""
        self._lines = [one for one in self._lines if shown_cells(one.line, now.frame)[0]]
        for followed in self._lines:
            followed.pending.append(now)
            followed.seen += 1
            self._settle(followed)

    def look(self, before: Sequence[_Shown], after: Sequence[_Shown]) -> None:
        """Look for lines in the first frame after; a new one is followed back to its first frame."""
        now = after[0].frame
        height, width = now.shape[-2:]
        region = self._region or Box(0, 0, height, width)
        earlier = [one.frame for one in reversed(before)][: self._least - 1]
        runs = [[one.frame for one in after], [now, *earlier]]
        for found in self._detect(now[:, region.rows, region.columns]):
            moved = Box(
                found.top + region.top,
                found.left + region.left,
                found.bottom + region.top,
                found.right + region.left,
            )
            if min(moved.height, moved.width) > _TALLEST * height:
                continue
            box = line_box(moved, (height, width))
            same = next((f for f in self._lines if _overlap(f.line.box, box) > _SAME_PLACE), None)
            if same is not None and shown_cells(same.line, now)[1].all():
                continue
            line = read_line(runs, box)
            if line is None:
                continue
            if same is None:
                self._begin(line, before, after)
            else:
                same.line = line  # a running time code

    def _begin(self, line: Line, before: Sequence[_Shown], after: Sequence[_Shown]) -> None:
        """Follow a new line back to its first frame."""
        shown = self._shown_from(line, [after[0], *reversed(before)])
        ahead = self._shown_from(line, after)
        # the more pictures, the less of what moves behind the line stays
        line = read_line([[one.frame for one in (*shown, *ahead[1:])]], line.box) or line
        shown = self._shown_from(line, [after[0], *reversed(before)])
        followed = _Followed(line, shown, len(shown))
        self._lines.append(followed)
        self._settle(followed)

    def _shown_from(self, line: Line, frames: Sequence[_Shown]) -> list[_Shown]:
        return list(takewhile(lambda one: shown_cells(line, one.frame)[0], frames))

    def _settle(self, followed: _Followed) -> None:
        """Mask the pending frames of a line that has stayed long enough."""
        if followed.seen < self._least:
            return
        line = followed.line
        for one in followed.pending:
            mask = one.mask[0, line.box.rows, line.box.columns]
            if self._shape is TextShape.BOXES:
                mask.fill_(1)
            else:
                mask[glyph_mask(line, one.frame, shown_cells(line, one.frame)[1])] = 1
        followed.pending.clear()


def _overlap(box: Box, other: Box) -> float:
    """Return the intersection over union of two boxes."""
    common = box & other
    if common.is_empty:
        return 0.0
    return common.area / (box.area + other.area - common.area)
