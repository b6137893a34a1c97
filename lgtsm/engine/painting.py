"""A network that paints single frames from aligned references, in the shot that is being filled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ..align.sampling import sample_known
from ..box import Box
from ..copying.coords import Target, chained_coords
from ..copying.shot import Shot
from ..copying.source_frames import Search
from ..fills.candidate_fill import CandidateFill
from ..models.neighbours.frames import Aligned, Aligner, Views
from ..models.neighbours.orders import Reference, paint_frame
from ..models.painter import PainterNetwork
from ..models.refine import doubt
from ..options import Motion

_SURE_CONFIDENCE = 0.98
"""Least copied fraction of a pixel that counts as known; set by hand, not swept."""
_SURE_ERROR = 0.02
"""Largest expected error (RMS, 5 levels of 255) of such a pixel; set by hand, not swept."""


def unsure(copied: CandidateFill, hole: Tensor) -> Tensor:
    """Return what of a hole (1,1,h,w) the copies leave to a network."""
    sure = (copied.confidence > _SURE_CONFIDENCE) & (copied.error < _SURE_ERROR)
    return hole.masked_fill(sure, 0)


def doubtful(copied: CandidateFill, hole: Tensor) -> Tensor:
    """Return the part of a hole (1,1,h,w) that a refining network changes."""
    return hole.masked_fill(doubt(copied.error) == 0, 0)


@dataclass(frozen=True)
class Painter:
    """Paints frames of a shot.

    network: on the shot's device, in float32.
    search: how its references are aligned, and how far they may be; `aligner` takes precedence.
    aligner: the published way, which also says what a reference shows.
    """

    network: PainterNetwork
    search: Search
    aligner: Aligner | None = None

    def paint(self, shot: Shot, t: int, box: Box, copied: CandidateFill) -> tuple[Tensor, Tensor]:
        """Paint what copies leave of a hole.

        Args:
            shot: holds frame t and its window.
            t: the frame.
            box: around its hole.
            copied: what other frames gave, on the box.

        Returns:
            The box (1,3,h,w) with copies and paint, and 1 where it is painted (1,1,h,w).
        """
        frame, part = shot[t].pixels.clone(), (..., box.rows, box.columns)
        hole = 1 - shot[t].known
        frame[part] = copied.fill
        to_paint = hole[part] = unsure(copied, hole[part])
        if not bool(to_paint.any()):
            return copied.fill, to_paint
        painted = paint_frame(self.network.painter, frame, hole, self._references(shot, t))[part]
        return torch.where(to_paint > 0, painted, copied.fill), to_paint

    def _references(self, shot: Shot, t: int) -> Iterator[Reference]:
        """Yield the other frames of the window, nearest first, the earlier of two first."""
        before, after = self.search.window
        reach = self.network.spec.reach
        offsets = range(-min(before, reach), min(after, reach) + 1)
        for s in sorted((t + o for o in offsets if o), key=lambda s: (abs(s - t), s)):
            if s in shot:
                yield self._reference(shot, t, s)

    def _reference(self, shot: Shot, t: int, s: int) -> Reference:
        frame, learned = shot[s], shot.learned
        if self.aligner is not None and learned is not None:
            features = learned.features(s, (frame.pixels, frame.known))
            aligner = partial(self.aligner.align, references=features)
            return Reference(frame.pixels, 1 - frame.known, aligner)
        motions = self.search.motions or (Motion.NONE,)

        def align(views: Views) -> Aligned:
            target = Target(shot, t, Box(0, 0, *shot.size), [s])
            motion = Motion.FLOW if Motion.FLOW in motions else motions[-1]
            known = 1 - views.reference_holes[0]
            both = torch.cat([views.filled()[1][0], known], 1)
            colour, shown = sample_known(both, chained_coords(target, motion))
            return Aligned.of_samples(colour[None], shown[None], views.hole)

        return Reference(frame.pixels, 1 - frame.known, align)
