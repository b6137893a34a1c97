"""Candidate fills of a whole clip at once, for training and a network's own forward pass."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from torch import Tensor

from ..box import Box
from ..fills.averaging import size_of
from ..fills.candidate_fill import CandidateFill, join_candidates
from ..options import Motion
from .blending import BlendedFill, blend_frame
from .shot import Shot
from .source_frames import Search
from .temporal_smoothing import smooth_in_time


def clip_candidates(
    frames: Tensor,
    holes: Tensor,
    window: tuple[int, int],
    count: int,
    motion: Motion = Motion.AUTO,
    *,
    only: Sequence[int] | None = None,
) -> CandidateFill:
    """Compute the candidate fill of every frame of one clip.

    Args:
        frames: (T,3,h,w) in [0,1].
        holes: (T,1,h,w) 0 or 1, 1 = hole.
        window: how far source frames may be (before, after), in frames.
        count: how many of them may lend pixels; 0 for the smooth fill alone.
        motion: how they are aligned.
        only: numbers of the frames that are wanted; None is all.

    Returns:
        Candidate fill with N = T, or the number of wanted frames.
    """
    search, size = Search.of(motion, window, count), size_of(frames)
    shot = Shot(size, frames.device, search)
    for frame, hole in zip(frames, holes, strict=True):
        shot.push(frame[None], hole[None])

    @functools.cache
    def blended_at(t: int) -> BlendedFill | None:
        return blend_frame(shot, t, search)

    whole, rows = Box(0, 0, *size), list[CandidateFill]()
    for t in range(len(frames)) if only is None else only:
        frame, blended = frames[t][None], smooth_in_time(shot, t, search, blended_at)
        rows.append(CandidateFill.of_known(frame) if blended is None else blended.on(frame, whole))
    return join_candidates(rows)
