"""The discriminator that the carrier of key frames is trained with: scores of patches.

Source: pix2pixHD (Wang et al. 2018, CVPR), as used by LaMa and by Esser et al. 2022.
"""

from __future__ import annotations

from torch import Tensor, nn

from ..combcn import BatchNorm

_WIDTHS = (64, 128, 256, 512, 512)
_SLOPE = 0.2


class PatchDiscriminator(nn.Module):
    """Six convolutions of 4x4 with zeros around, the last of which scores."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        inputs = 3
        for i, outputs in enumerate(_WIDTHS):
            conv = nn.Conv2d(inputs, outputs, 4, 1 if i == len(_WIDTHS) - 1 else 2, padding=2)
            norm = [BatchNorm(outputs)] if i else []
            self.layers.append(nn.Sequential(conv, *norm, nn.LeakyReLU(_SLOPE)))
            inputs = outputs
        self.score = nn.Conv2d(inputs, 1, 4, padding=2)

    def forward(self, pixels: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return logits (N,1,h',w'), positive for real, and the features before them.

        Args:
            pixels: (N,3,h,w) in [0,1].
        """
        features: list[Tensor] = []
        for layer in self.layers:
            pixels = layer(pixels)
            features.append(pixels)
        return self.score(pixels), features
