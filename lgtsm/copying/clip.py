"""CandidateFill of a whole clip at once, as training and a network's own forward want it."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from torch import Tensor

from ..box import Box
from ..fills.candidate_fill import CandidateFill, join_candidates
from ..options import Motion
from .blending import blend_frame, known_candidate, new_shot
from .candidates import Search
from .steady import steady_frame


def clip_candidates(
    frames: Tensor,
    holes: Tensor,
    window: tuple[int, int],
    count: int,
    motion: Motion = Motion.AUTO,
    *,
    only: Sequence[int] | None = None,
) -> CandidateFill:
    """Gather the candidate of every frame of one clip.

    Args:
        frames: (T,3,h,w) in [0,1].
        holes: (T,1,h,w) 0 or 1, 1 = hole.
        window: how far (before, after), in frames, others may lie.
        count: how many of them may lend pixels; 0 for the smooth fill alone.
        motion: as a user would say.
        only: numbers of the frames that are wanted; None is all.

    Returns:
        CandidateFill with N = T, or as many as are wanted.
    """
    search = Search.of(motion, window, count)
    shot = new_shot(frames.shape[-2:], frames.device, search)
    for frame, hole in zip(frames, holes, strict=True):
        shot.push(frame[None], hole[None])
    whole = Box(0, 0, *frames.shape[-2:])
    rows = []
    blended_at = functools.cache(lambda t: blend_frame(shot, t, search))
    for t in range(len(frames)) if only is None else only:
        frame = frames[t]
        blended = steady_frame(shot, t, search, blended_at)
        rows.append(
            known_candidate(frame[None]) if blended is None else blended.on(frame[None], whole)
        )
    return join_candidates(rows)
