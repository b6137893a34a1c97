"""Refining network: starts from the evidence fill and learns where to trust what.

The trunk with encoder-decoder skips sees the evidence fill, its candidates and their expected error.
Output = fill + residual x expected error + learned mixing of the candidates. The head starts at
zero, so an untrained net returns the fill and a trained one can only be kept if it is better.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..fills.evidence import Evidence, gather_evidence
from .network import Network, check_clip
from .spec import NetworkSpec

NUM_CANDIDATES = 3


def clip_evidence(frames: Tensor, holes: Tensor, num_references: int) -> Evidence:
    """Gather the evidence of every frame of one clip.

    Args:
        frames: (T,3,h,w) in [0,1].
        holes: (T,1,h,w) 0 or 1, 1 = hole.
        num_references: frames before and after that may lend pixels.

    Returns:
        Evidence with N = T.
    """
    num_frames = len(frames)
    rows = []
    for t in range(num_frames):
        first, last = max(0, t - num_references), min(num_frames, t + num_references + 1)
        others = [s for s in range(first, last) if s != t]
        rows.append(
            gather_evidence(
                frames[t : t + 1],
                holes[t : t + 1],
                frames[others],
                holes[others],
                [s - t for s in others],
            )
        )
    return Evidence(*(torch.cat(parts) for parts in zip(*(vars(r).values() for r in rows))))


class RefineNetwork(Network):
    """Evidence in, pixels out."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec)
        head = self.trunk.layers()[-1].feature
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)

    def encode(self, evidence: Evidence, holes: Tensor) -> Tensor:
        """Return the trunk's input (N,15,h,w) for evidence of N frames and their holes."""
        return evidence.stack(holes)

    def decode(self, output: Tensor, evidence: Evidence) -> Tensor:
        """Turn the trunk's output into pixels.

        Args:
            output: (N,6,h,w) of the trunk.
            evidence: of the same N frames.

        Returns:
            (N,3,h,w) raw prediction, not clamped; equals the fill where the output is 0.
        """
        residual, mixing = output[:, :3], output[:, 3:]
        result = evidence.fill + residual * evidence.error
        candidates = (evidence.smooth, evidence.nearest, evidence.best)
        for i, candidate in enumerate(candidates):
            result = result + mixing[:, i : i + 1] * (candidate - evidence.fill)
        return result

    def forward(self, frames: Tensor, holes: Tensor, guidance: Tensor | None = None) -> Tensor:
        """Fill whole clips.

        Args:
            frames: (B,T,3,h,w) in [0,1]; h and w multiples of `multiple`.
            holes: (B,T,1,h,w), 1 = hole.
            guidance: must be None; this family takes none.

        Returns:
            (B,T,3,h,w) raw prediction for every pixel, not clamped, not composed.

        Raises:
            ShapeError: shapes that do not fit, or guidance given.
        """
        check_clip(frames, holes)
        rows = [clip_evidence(f, h, self.spec.num_references) for f, h in zip(frames, holes)]
        stacked = torch.stack([self.encode(e, h) for e, h in zip(rows, holes)])
        outputs = self.trunk(stacked)
        return torch.stack([self.decode(o, e) for o, e in zip(outputs, rows)])
