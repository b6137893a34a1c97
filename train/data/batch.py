"""Training items of equal size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lgtsm.fills.candidate_fill import CandidateFill, join_candidates, map_tensors
from lgtsm.models.neighbours.frames import Views


@dataclass(frozen=True)
class Batch:
    """Items of equal size.

    truth: (B,T,3,h,w) in [0,1]; holes: (B,T,1,h,w), 1 = hole; candidate: of the B*T frames, None
    for networks that start from black holes; flow: (B,T-1,2,h,w), where the frames around the middle
    one, T//2, show the middle one's pixels, in positions as of `affine_motion`; None where it is not
    known.
    """

    truth: Tensor
    holes: Tensor
    candidate: CandidateFill | None = None
    flow: Tensor | None = None

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.truth)

    @property
    def target(self) -> tuple[Tensor, Tensor]:
        """The middle frames (B,3,h,w) and their holes (B,1,h,w)."""
        middle = self.truth.shape[1] // 2
        return self.truth[:, middle], self.holes[:, middle]

    @property
    def views(self) -> Views:
        """The middle frames, and the others as their references."""
        return Views.of_clip(self.truth, self.holes, self.truth.shape[1] // 2)

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""

        def move(value: Tensor) -> Tensor:
            return value.to(device, non_blocking=True)

        flow = None if self.flow is None else move(self.flow)
        return Batch(move(self.truth), move(self.holes), _each(self.candidate, move), flow)

    def part(self, first: int, stop: int) -> Batch:
        """Return the items first ... stop - 1."""
        num_frames, items = self.truth.shape[1], slice(first, stop)
        candidate = _each(self.candidate, lambda v: v[first * num_frames : stop * num_frames])
        flow = None if self.flow is None else self.flow[items]
        return Batch(self.truth[items], self.holes[items], candidate, flow)


def _each(
    candidate: CandidateFill | None, change: Callable[[Tensor], Tensor]
) -> CandidateFill | None:
    if candidate is None:
        return None
    return map_tensors(change, candidate)


def join(batches: Sequence[Batch]) -> Batch:
    """Concatenate batches."""
    candidates = [b.candidate for b in batches if b.candidate is not None]
    flows = [b.flow for b in batches if b.flow is not None]
    return Batch(
        torch.cat([b.truth for b in batches]),
        torch.cat([b.holes for b in batches]),
        join_candidates(candidates) if candidates else None,
        torch.cat(flows) if flows else None,
    )
