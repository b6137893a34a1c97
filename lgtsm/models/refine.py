"""Refining network: starts from the candidate fill and learns where to trust what.

The trunk with encoder-decoder skips sees the candidate fill, its candidates and their expected error.
Output = fill + residual x expected error + learned mixing of the candidates. The head starts at
zero, so an untrained net returns the fill and a trained one can only be kept if it is better.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..copying.clip import clip_candidates
from ..errors import ShapeError
from ..fills.candidate_fill import CandidateFill
from .network import Network, check_clip
from .spec import NetworkSpec

UNSURE_ERROR = 0.1
"""Expected error from which on the candidates may be mixed freely; below, in proportion."""


class RefineNetwork(Network):
    """CandidateFill in, pixels out."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec)
        head = self.trunk.layers()[-1].feature
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)

    def encode(
        self,
        frames: Tensor,
        holes: Tensor,
        *,
        candidate: CandidateFill | None = None,
        guidance: Tensor | None = None,
    ) -> Tensor:
        """Return (N,15,h,w) from candidate of N frames and their holes.

        Raises:
            ShapeError: no candidate, or guidance, which this family does not take.
        """
        if candidate is None or guidance is not None:
            raise ShapeError(
                "Expected candidate and no guidance for the refine family, got the contrary; "
                "leave guidance out or use one of the published families."
            )
        return candidate.stack(holes)

    def decode(self, output: Tensor, candidate: CandidateFill | None) -> Tensor:
        """Turn the trunk's output into pixels.

        Args:
            output: (N,6,h,w) of the trunk.
            candidate: of the same N frames.

        Returns:
            (N,3,h,w) raw prediction, not clamped; equals the fill where the output is 0.
        """
        residual, mixing = output[:, :3], output[:, 3:]
        result = candidate.fill + residual * candidate.error
        others = (candidate.smooth, candidate.copied, candidate.best)
        # where the fill is surely right there is nothing to mix: without this a network trained
        # for a few hours paints over good copies of texture it has not seen
        mixing = mixing * (candidate.error / UNSURE_ERROR).clamp_max(1.0)
        for i, other in enumerate(others):
            result = result + mixing[:, i : i + 1] * (other - candidate.plain)
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
        window, count = self.spec.window, self.spec.source_frames
        rows = [clip_candidates(f, h, window, count) for f, h in zip(frames, holes, strict=True)]
        stacked = torch.stack(
            [
                self.encode(f, h, candidate=e, guidance=guidance)
                for f, h, e in zip(frames, holes, rows, strict=True)
            ]
        )
        outputs = self.trunk(stacked)
        return torch.stack([self.decode(o, e) for o, e in zip(outputs, rows, strict=True)])
