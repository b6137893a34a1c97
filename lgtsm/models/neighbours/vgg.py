"""VGG-16 up to any of its five poolings, under torchvision's names."""

from __future__ import annotations

from torch import Tensor, nn

from .convolutions import same

_WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class VggPools(nn.Module):
    """The convolutions of VGG-16 (Simonyan & Zisserman 2015); frozen.

    Args:
        num_pools: stages kept, 1 to 5; the fourth ends in 512 channels at 1/16 of the size.
    """

    def __init__(self, num_pools: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for widths in _WIDTHS[:num_pools]:
            for outputs in widths:
                layers += [same(inputs, outputs), nn.ReLU()]
                inputs = outputs
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.requires_grad_(requires_grad=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the output of the last pooling for normalised RGB (N,3,h,w)."""
        return self.features(pixels)
