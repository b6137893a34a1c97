"""What is known about the holes of a frame before any network runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

_Record = TypeVar("_Record")


@dataclass(frozen=True)
class CandidateFill:
    """Fill of N frames, the candidates it was blended from and its expected error.

    fill: (N,3,h,w) what a network starts from; equals the frame where it is known.
    plain: (N,3,h,w) the fill without continued edges: the network's input, while its output is
        added to `fill`.
    smooth, best: (N,3,h,w) candidates: the smooth fill, and the single sharp copy with most support
        (the smooth fill where there is none); both equal the frame where it is known.
    copied: (N,3,h,w) candidate: the consensus of the copies; next to a hole, where the frame is
        known, its difference to the frame shows how well the copies fit.
    error: (N,1,h,w) expected root-mean-square error of the fill, 0 where known.
    confidence: (N,1,h,w) fraction of copied pixels in the fill, 0..1, 0 where known.
    """

    fill: Tensor
    plain: Tensor
    smooth: Tensor
    copied: Tensor
    best: Tensor
    error: Tensor
    confidence: Tensor

    @classmethod
    def of_known(cls, frame: Tensor) -> CandidateFill:
        """Return the candidate fill of frames (N,3,h,w) without a hole."""
        zero = torch.zeros_like(frame[:, :1])
        return cls(frame, frame, frame, frame, frame, zero, zero)

    def joined(self) -> Tensor:
        """Return all fields in one new tensor (N,17,h,w)."""
        return torch.cat(list(vars(self).values()), 1)

    @classmethod
    def of_joined(cls, values: Tensor) -> CandidateFill:
        """Return the candidate fill whose fields are parts of (N,17,h,w), see `joined`."""
        return cls(*torch.split(values, [3, 3, 3, 3, 3, 1, 1], 1))

    def stack(self, holes: Tensor) -> Tensor:
        """Return the (N,15,h,w) input of a refining network; see `spec.REFINE_INPUTS`."""
        differences = [c - self.plain for c in (self.smooth, self.copied, self.best)]
        return torch.cat([self.plain, *differences, holes, 4 * self.error, self.confidence], -3)


def map_tensors(function: Callable[..., Tensor], *records: _Record) -> _Record:
    """Apply a function to every field of records of one dataclass, whose fields are all tensors."""
    names = vars(records[0])
    return type(records[0])(**{n: function(*(getattr(r, n) for r in records)) for n in names})


def join_candidates(rows: Sequence[CandidateFill]) -> CandidateFill:
    """Concatenate the candidate fills of several frames along N."""
    return map_tensors(lambda *parts: torch.cat(parts), *rows)
