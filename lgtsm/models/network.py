"""Base class of every network family, and the published families."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn

from ..errors import ShapeError, WeightsError
from ..fills.candidate_fill import CandidateFill
from .combcn import CombCNBody
from .combcn_spec import CombCNSpec
from .spec import NetworkSpec
from .trunk import Trunk


def check_clip(frames: Tensor, holes: Tensor) -> None:
    """Check that a batch of frames and its holes have matching shapes.

    Args:
        frames: (B,T,3,h,w).
        holes: (B,T,1,h,w).

    Raises:
        ShapeError: wrong ranks, channels or sizes.
    """
    expected = (*frames.shape[:2], 1, *frames.shape[3:])
    if frames.dim() != 5 or frames.shape[2] != 3 or tuple(holes.shape) != expected:
        raise ShapeError(
            "Expected frames (B,T,3,h,w) and holes (B,T,1,h,w) of the same clip, got "
            f"{tuple(frames.shape)} and {tuple(holes.shape)}; add or drop a dimension."
        )


class Network(nn.Module):
    """A trunk and the meaning of its input and output; base of every family.

    `forward` takes whole clips. The engine runs the same arithmetic layer by layer: `encode`, then
    the layers of `trunk`, then `decode`; `encode` and `decode` therefore work on any part of a
    frame.
    """

    name: str = "untrained"
    """Where the weights came from: a built-in name or a file name."""
    passed_dtypes: tuple[str, ...] = ()
    """Half precisions (bf16, fp16) that the weight file lists as accurate enough."""
    notes: tuple[str, ...] = ()
    """What a report says about the weights; one sentence each."""
    accepts_guidance: bool = False
    """Whether the input has a channel for guidance."""
    spec: NetworkSpec
    trunk: Trunk | CombCNBody

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        trunk = spec.streamed
        self.trunk = CombCNBody(trunk) if isinstance(trunk, CombCNSpec) else Trunk(trunk)

    @property
    def multiple(self) -> int:
        """Height and width must be multiples of this."""
        return self.spec.trunk.multiple

    def digest(self) -> str:
        """Return a SHA-256 of specification and weights, whatever file they came from."""
        result = hashlib.sha256(repr(self.spec).encode())
        for name, value in sorted(self.state_dict().items()):
            result.update(name.encode())
            result.update(value.detach().cpu().float().contiguous().numpy().tobytes())
        return result.hexdigest()

    def encode(
        self,
        frames: Tensor,
        holes: Tensor,
        *,
        candidate: CandidateFill | None = None,
        guidance: Tensor | None = None,
    ) -> Tensor:
        """Stack the trunk's input.

        Args:
            frames: (N,3,h,w) in [0,1]; values under the hole are ignored.
            holes: (N,1,h,w), 1 = hole.
            candidate: of the same frames; required where `spec.starts_from_fill`, else ignored.
            guidance: (N,1,h,w) or None; only the gated families accept it.

        Returns:
            (N,inputs,h,w).

        Raises:
            ShapeError: no candidate where one is required, or guidance where none is accepted.
        """
        self.check_guidance(guidance)
        return self._stack(frames, holes, candidate, guidance)

    def check_guidance(self, guidance: Tensor | None) -> None:
        """Raise ShapeError for guidance that the family does not accept."""
        if guidance is not None and not self.accepts_guidance:
            raise ShapeError(
                f"Expected no guidance for the family {self.spec.family}, got a tensor; leave it "
                "out or use one of the gated families."
            )

    def _stack(
        self, frames: Tensor, holes: Tensor, fill: CandidateFill | None, guidance: Tensor | None
    ) -> Tensor:
        """Stack the input; see `encode`. Here: masked frames, known mask, guidance if accepted."""
        known = 1 - holes  # the published weights expect 1 = known
        stacked = [frames * known, known]
        if self.accepts_guidance:
            stacked.append(torch.zeros_like(holes) if guidance is None else guidance)
        return torch.cat(stacked, -3)

    def decode(self, output: Tensor, candidate: CandidateFill | None) -> Tensor:
        """Turn the trunk's output (N,outputs,h,w) into pixels (N,3,h,w), not clamped.

        Args:
            output: of the trunk; the published families output the picture itself.
            candidate: as for `encode`.
        """
        return output

    def forward(self, frames: Tensor, holes: Tensor, guidance: Tensor | None = None) -> Tensor:
        """Fill whole clips.

        Args:
            frames: (B,T,3,h,w) in [0,1]; h and w multiples of `multiple`.
            holes: (B,T,1,h,w), 1 = hole.
            guidance: (B,T,1,h,w) or None; only the gated families accept it.

        Returns:
            (B,T,3,h,w) raw prediction for every pixel, not clamped, not composed.

        Raises:
            ShapeError: shapes that do not match, or guidance where none is accepted.
        """
        check_clip(frames, holes)
        return self.trunk(self.encode(frames, holes, guidance=guidance))


class GatedNetwork(Network):
    """The published families on the trunk: masked frames, known mask, guidance in, pixels out.

    Without guidance, zeros are passed.
    """

    accepts_guidance = True


class CombCNNetwork(Network):
    """Masked frames and known mask in; pixels out, at full and at half size."""

    def forward_all(
        self, frames: Tensor, holes: Tensor, guidance: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Fill whole clips at both sizes; arguments as for `forward`, guidance must be None.

        Returns:
            raw: (B,T,3,h,w), not clamped, not composed. incomplete: (B,T,3,h/2,w/2), the half-size
            completion, which equals every second pixel of the frames outside the hole.

        Raises:
            ShapeError: shapes that do not match, or guidance.
            WeightsError: the specification is not of a CombCN.
        """
        check_clip(frames, holes)
        if not isinstance(self.trunk, CombCNBody):
            raise WeightsError(
                f"Expected a CombCNSpec in a CombCN network, got {self.spec.trunk}; build it from "
                "FAMILIES['combcn']."
            )
        raw, half = self.trunk.both(self.encode(frames, holes, guidance=guidance))
        return {"raw": raw, "incomplete": half}
