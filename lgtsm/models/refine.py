"""Refining network: starts from the candidate fill and learns where to trust which candidate.

The trunk with encoder-decoder skips sees the candidate fill, its candidates and their expected
error. Output = fill + residual x expected error + learned mixing of the candidates, where the fill is
in doubt; elsewhere it is the fill, and the engine computes nothing. The head is initialised to zero, so
an untrained network returns the fill.
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
"""Expected error, in units of [0,1] pixels, above which candidates are mixed freely; below it, in
proportion. Set by hand, not swept."""
_LEAST_DOUBT, _FULL_DOUBT = 0.05, 0.07
"""Expected errors, in the same units, up to which the fill stays as it is, and from which the network's picture
counts alone. Swept on 41 holes of real clips: PSNR is 0.001 dB below that of a picture refined everywhere on
the mean and 0.04 at worst; with 0.08 and 0.12 it is 0.008 and 0.1."""


def doubt(error: Tensor) -> Tensor:
    """Return how much the network's picture counts, 0..1, where a fill has an expected error (...)."""
    return ((error - _LEAST_DOUBT) / (_FULL_DOUBT - _LEAST_DOUBT)).clamp(0, 1)


class RefineNetwork(Network):
    """Candidate fill in, pixels out."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec)
        for parameter in self.trunk.layers()[-1].feature.parameters():
            nn.init.zeros_(parameter)

    def _stack(
        self, frames: Tensor, holes: Tensor, fill: CandidateFill | None, guidance: Tensor | None
    ) -> Tensor:
        """Return (N,15,h,w) from the candidate fill of N frames and their holes."""
        return _required(fill).stack(holes)

    def decode(self, output: Tensor, candidate: CandidateFill | None) -> Tensor:
        """Turn the trunk's output (N,6,h,w) into pixels (N,3,h,w), not clamped; 0 gives the fill.

        Raises:
            ShapeError: no candidate.
        """
        candidate = _required(candidate)
        residual, mixing = output[:, :3], output[:, 3:]
        result = candidate.fill + residual * candidate.error
        others = (candidate.smooth, candidate.copied, candidate.best)
        # where the fill is reliable there is nothing to mix: without this, a network trained for a
        # few hours paints over good copies of textures it has not seen
        mixing = mixing * (candidate.error / UNSURE_ERROR).clamp_max(1.0)
        for i, other in enumerate(others):
            result = result + mixing[:, i : i + 1] * (other - candidate.plain)
        return torch.lerp(candidate.fill, result, doubt(candidate.error))

    def forward(self, frames: Tensor, holes: Tensor, guidance: Tensor | None = None) -> Tensor:
        """Fill whole clips, as `Network.forward`; gathers the candidates of each clip first."""
        check_clip(frames, holes)
        window, count = self.spec.window, self.spec.source_frames
        rows = [clip_candidates(f, h, window, count) for f, h in zip(frames, holes, strict=True)]
        inputs = [
            self.encode(f, h, candidate=row, guidance=guidance)
            for f, h, row in zip(frames, holes, rows, strict=True)
        ]
        outputs: Tensor = self.trunk(torch.stack(inputs))
        pairs = zip(outputs, rows, strict=True)
        return torch.stack([self.decode(output, row) for output, row in pairs])


def _required(candidate: CandidateFill | None) -> CandidateFill:
    """Return the candidate fill that this family cannot do without."""
    if candidate is None:
        raise ShapeError(
            "Expected a candidate fill for the refine family, got none; pass the one of the same "
            "frames or use one of the published families."
        )
    return candidate
