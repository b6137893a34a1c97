"""What every network of this package can do, and the published families that fill black holes."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn

from ..errors import ShapeError
from ..fills.candidate_fill import CandidateFill
from .spec import NetworkSpec, TrunkSpec
from .trunk import Trunk


def check_clip(frames: Tensor, holes: Tensor) -> None:
    """Check that a batch of frames and its holes fit each other.

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
    """A trunk with a meaning for its input and output; base of every family.

    `forward` takes whole clips. The engine streams the same arithmetic through `trunk` layer by
    layer, with `encode` before and `decode` after it, so both work on any part of a frame.
    """

    name: str = "untrained"
    """Where the weights came from: a built-in name or a file's."""
    passed_dtypes: tuple[str, ...] = ()
    """Half precisions (bf16, fp16) that the weight file lists as good enough."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.trunk = self.make_trunk(spec.trunk)

    @staticmethod
    def make_trunk(spec: TrunkSpec) -> nn.Module:
        """Return the layers; families with another body than the trunk have their own."""
        return Trunk(spec)

    @property
    def multiple(self) -> int:
        """Height and width must be multiples of this."""
        return self.spec.trunk.multiple

    @property
    def context(self) -> tuple[int, int]:
        """Frames (past, future) that an output frame depends on."""
        return self.spec.context

    @property
    def margin_px(self) -> int:
        """Farthest input pixel, per side, that an output pixel depends on through the trunk."""
        return self.spec.trunk.margin_px

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
            candidate: of the same frames; only families that start from a fill read it.
            guidance: (N,1,h,w) or None; only the published families read it.

        Returns:
            (N,inputs,h,w).
        """
        raise NotImplementedError  # every family has its own

    def decode(self, output: Tensor, candidate: CandidateFill | None) -> Tensor:
        """Turn the trunk's output (N,outputs,h,w) into pixels (N,3,h,w), not clamped."""
        raise NotImplementedError  # every family has its own


class GatedNetwork(Network):
    """The published families on the trunk: masked frames, known mask and guidance in, pixels out."""

    def encode(
        self,
        frames: Tensor,
        holes: Tensor,
        *,
        candidate: CandidateFill | None = None,
        guidance: Tensor | None = None,
    ) -> Tensor:
        """Return (N,5,h,w): masked frames, known mask, guidance (zeros without)."""
        known = 1 - holes  # the published tensors have 1 = known; the only inversion
        if guidance is None:
            guidance = torch.zeros_like(holes)
        return torch.cat([frames * known, known, guidance], -3)

    def decode(self, output: Tensor, candidate: CandidateFill | None) -> Tensor:
        """Return the trunk's output: it is the picture."""
        return output

    def forward(self, frames: Tensor, holes: Tensor, guidance: Tensor | None = None) -> Tensor:
        """Fill whole clips.

        Args:
            frames: (B,T,3,h,w) in [0,1]; h and w multiples of `multiple`.
            holes: (B,T,1,h,w), 1 = hole.
            guidance: (B,T,1,h,w) or None.

        Returns:
            (B,T,3,h,w) raw prediction for every pixel, not clamped, not composed.

        Raises:
            ShapeError: shapes that do not fit.
        """
        check_clip(frames, holes)
        return self.trunk(self.encode(frames, holes, guidance=guidance))
