"""Temporal patch discriminators: TSMGAN (shifted 2-D layers) and T-PatchGAN (3-D layers).

Sources: Chang et al. 2019 (BMVC), section 3.3 (TSMGAN), and Chang et al. 2019 (ICCV), section 3.3
(Temporal PatchGAN with spectral norm, Miyato et al. 2018). Layer sizes and the first padding are
those of the published code. So is the last layer, every channel of which is a score; the papers
draw a single one. The published TSMGAN declares a spectral norm that has no effect on the weights
it runs with, so it is off here by default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from .gated import GatedLayer
from .network import check_clip
from .spec import LayerSpec, ShiftKind, ShiftSpec

INPUTS = 5
"""Frame (3), known mask and guidance; the published code only ever passes zeros as guidance."""

LAYERS: tuple[LayerSpec, ...] = (
    LayerSpec(name="conv1", inputs=0, outputs=1, kernel=5, stride=2, padding=1),
    LayerSpec(name="conv2", inputs=1, outputs=2, kernel=5, stride=2, padding=2),
    LayerSpec(name="conv3", inputs=2, outputs=4, kernel=5, stride=2, padding=2),
    LayerSpec(name="conv4", inputs=4, outputs=4, kernel=5, stride=2, padding=2),
    LayerSpec(name="conv5", inputs=4, outputs=4, kernel=5, stride=2, padding=2),
    LayerSpec(name="conv6", inputs=4, outputs=4, kernel=5, stride=2, padding=2, activation=False),
)
"""Channel counts in units of the base width; conv1 reads `INPUTS` channels."""


@dataclass(frozen=True, kw_only=True)
class DiscriminatorSpec:
    """Specification of a discriminator.

    width: channels of the first layer, 1 or more; 64 as published.
    kernel_frames: frames that a kernel covers, 1 or 3.
    spectral_norm: divide the weights of all layers but the last by their largest singular value.
    shift: before every convolution; none where kernels cover several frames.
    """

    width: int = 64
    kernel_frames: int = 1
    spectral_norm: bool = False
    shift: ShiftSpec = field(default_factory=ShiftSpec)


DISCRIMINATORS: MappingProxyType[str, DiscriminatorSpec] = MappingProxyType(
    {
        "tsmgan": DiscriminatorSpec(),
        "tsmgan_fixed": DiscriminatorSpec(shift=ShiftSpec(kind=ShiftKind.FIXED)),
        "tpatchgan": DiscriminatorSpec(
            kernel_frames=3, spectral_norm=True, shift=ShiftSpec(kind=ShiftKind.NONE)
        ),
    }
)
"""As published with LGTSM, with GTSM and with the 3-D gated network."""


class Discriminator(nn.Module):
    """Scores patches of clips as real or filled.

    With spectral norm each forward in training mode moves the stored singular vectors by one power
    iteration; in eval mode they do not change. They are part of the state dict.
    """

    def __init__(self, spec: DiscriminatorSpec) -> None:
        super().__init__()
        self.spec = spec
        for layer in LAYERS:
            inputs, outputs = int(layer.inputs * spec.width), int(layer.outputs * spec.width)
            excluded = layer is LAYERS[0] and not spec.shift.first_layer
            shift = ShiftSpec(kind=ShiftKind.NONE) if excluded else spec.shift
            frames = spec.kernel_frames
            module = GatedLayer(
                layer, inputs or INPUTS, outputs, shift, gated=False, kernel_frames=frames
            )
            if spec.spectral_norm and layer is not LAYERS[-1]:
                spectral_norm(module.feature)  # in place
            self.add_module(layer.name, module)

    def forward(self, frames: Tensor, holes: Tensor) -> Tensor:
        """Score clips.

        Args:
            frames: (B,T,3,h,w), real or composed; neither masked nor clamped.
            holes: (B,T,1,h,w), 1 = hole.

        Returns:
            (B,T,4*width,h',w') logits: every channel is a separate score. h' and w' are about 1/64
            of h and w (3x5 for 180x320). The published training applies `sigmoid`.

        Raises:
            ShapeError: shapes that do not match.
        """
        check_clip(frames, holes)
        known = 1 - holes  # the published weights expect 1 = known
        x = torch.cat([frames, known, torch.zeros_like(known)], 2)
        batch, num_frames = x.shape[:2]
        x = x.flatten(0, 1)  # (B*T,C,h,w)
        for layer in LAYERS:
            x = self.get_submodule(layer.name)(x, num_frames)
        return torch.unflatten(x, 0, (batch, num_frames))
