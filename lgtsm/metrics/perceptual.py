"""Perceptual distance in SqueezeNet v1.0 features; not LPIPS: it has no learned channel weights.

Network: Iandola et al. 2016. Distance: Zhang et al. 2018, equation 1, with all channel weights 1:
features normalised to unit length over channels, squared difference summed over channels, mean over
positions, mean over nine feature maps (conv1, fire2 ... fire9).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, max_pool2d, relu

from ..errors import WeightsError
from .frozen import read_frozen

_POOL_AFTER = ("fire4", "fire8")
_FIRES = tuple(f"fire{i}" for i in range(2, 10))


class SqueezeNetFeatures(nn.Module):
    """The convolutions of SqueezeNet v1.0, frozen.

    Args:
        weights: tensors named LAYER.weight and LAYER.bias (conv1, fireN.squeeze1x1, ...).
    """

    mean: Tensor

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.names = ["conv1"]
        for fire in _FIRES:
            self.names += [f"{fire}.{part}" for part in ("squeeze1x1", "expand1x1", "expand3x3")]
        for name in self.names:
            for kind in ("weight", "bias"):
                if f"{name}.{kind}" not in weights:
                    raise WeightsError(
                        f"Expected SqueezeNet v1.0 weights with {name}.{kind}, got a file without "
                        "it; give the safetensors file of that network."
                    )
                tensor = weights[f"{name}.{kind}"].float()
                self.register_buffer(f"{name}.{kind}".replace(".", "_"), tensor)
        self.register_buffer("mean", torch.tensor([104.0, 117.0, 123.0])[:, None, None])

    def _conv(self, x: Tensor, name: str, stride: int = 1, padding: int = 0) -> Tensor:
        key = name.replace(".", "_")
        weight, bias = getattr(self, f"{key}_weight"), getattr(self, f"{key}_bias")
        return relu(conv2d(x, weight, bias, stride=stride, padding=padding))

    def forward(self, frames: Tensor) -> list[Tensor]:
        """Return the nine feature maps.

        Args:
            frames: (N,3,h,w) RGB in [0,1]; at least 32x32.

        Returns:
            Nine tensors (N,C,h',w').
        """
        x = 255 * frames.flip(1) - self.mean  # trained on BGR bytes minus their mean
        # channels_last: twice as fast on a CPU, norms over channels four times
        x = x.contiguous(memory_format=torch.channels_last)
        x = self._conv(x, "conv1", stride=2)
        taps = [x]
        x = max_pool2d(x, 3, 2, ceil_mode=True)
        for fire in _FIRES:
            q = self._conv(x, f"{fire}.squeeze1x1")
            x = torch.cat(
                [
                    self._conv(q, f"{fire}.expand1x1"),
                    self._conv(q, f"{fire}.expand3x3", padding=1),
                ],
                1,
            )
            taps.append(x)
            if fire in _POOL_AFTER:
                x = max_pool2d(x, 3, 2, ceil_mode=True)
        return taps


def load_features(path: str | Path) -> SqueezeNetFeatures:
    """Load the frozen feature network from a safetensors file.

    Raises:
        WeightsError: the file is missing or damaged, or holds another network.
    """
    net = SqueezeNetFeatures(read_frozen(path, "SqueezeNet")).eval().requires_grad_(False)
    try:
        net(torch.zeros(1, 3, 64, 64))
    except RuntimeError as error:
        raise WeightsError(
            f"Expected SqueezeNet v1.0 weights in {path}, got tensors of other shapes; give the "
            "safetensors file of that network."
        ) from error
    return net


def distance_of_features(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """Return the distance (N,) of each pair of frames from their feature maps.

    Args:
        first: maps (N,C,h,w) of `SqueezeNetFeatures`; gradients flow to both.
        second: the same of the other frames.
    """
    total = first[0].new_zeros(len(first[0]), dtype=torch.float32)
    for a, b in zip(first, second, strict=True):
        a = a.float() / (a.float().norm(dim=1, keepdim=True) + 1e-6)
        b = b.float() / (b.float().norm(dim=1, keepdim=True) + 1e-6)
        total = total + (a - b).square().sum(1).mean((1, 2))
    return total / len(first)
