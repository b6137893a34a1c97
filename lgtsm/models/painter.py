"""Networks that paint a frame from aligned references, as a family among the others."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import WeightsError
from .neighbours.chn import Chn
from .neighbours.orders import frame_by_frame, unmoved
from .network import Network, check_clip
from .spec import ChnSpec, NetworkSpec


class PainterNetwork(Network):
    """CHN; it has no trunk that streams.

    `forward` takes the camera to stand still; the engine passes aligned references to `paint_frame`.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        nn.Module.__init__(self)
        if not isinstance(spec.trunk, ChnSpec):
            raise WeightsError(
                f"Expected a ChnSpec in a painting network, got {spec.trunk}; build it from "
                "PAINTERS['chn']."
            )
        self.spec = spec
        self.painter = Chn(spec.trunk.num_blocks)

    def forward(self, frames: Tensor, holes: Tensor, guidance: Tensor | None = None) -> Tensor:
        """Fill whole clips of a camera that stands still, as `Network.forward`.

        Raises:
            ShapeError: shapes that do not match, or guidance.
        """
        check_clip(frames, holes)
        self.check_guidance(guidance)
        reach = self.spec.reach
        return torch.stack(
            [
                frame_by_frame(self.painter, unmoved, f, h, distance=reach)
                for f, h in zip(frames, holes, strict=True)
            ]
        )
