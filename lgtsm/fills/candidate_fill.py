"""CandidateFill: what is known about a frame's holes before any network has looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class CandidateFill:
    """Fill, candidates and their expected error for N frames.

    fill: (N,3,h,w) where a network starts from; equals the frame where it is known.
    plain: (N,3,h,w) the same without the edges that were continued into it: what a network looks
        at; what it finds is added to the fill.
    smooth, best: (N,3,h,w) candidates: smooth fill, the single sharp copy that has most support
        (the smooth fill where there is none); equal the frame where it is known.
    copied: (N,3,h,w) candidate: what the copies agree on; next to a hole, where the frame itself is
        known, this shows how well copies fit.
    error: (N,1,h,w) expected root-mean-square error of the fill, 0 where known.
    confidence: (N,1,h,w) share of copies in the fill, 0..1, 0 where known.
    """

    fill: Tensor
    plain: Tensor
    smooth: Tensor
    copied: Tensor
    best: Tensor
    error: Tensor
    confidence: Tensor

    def stack(self, holes: Tensor) -> Tensor:
        """Return the (N,15,h,w) input of a refining network; layout as `spec.REFINE_INPUTS` says."""
        differences = [c - self.plain for c in (self.smooth, self.copied, self.best)]
        return torch.cat([self.plain, *differences, holes, 4 * self.error, self.confidence], -3)


def join_candidates(rows: Sequence[CandidateFill]) -> CandidateFill:
    """Stack the candidate of several frames along N."""
    return CandidateFill(
        *(torch.cat(parts) for parts in zip(*(vars(r).values() for r in rows), strict=True))
    )
