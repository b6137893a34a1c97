"""Feature networks for perceptual and style losses, each with its own input, taps and divisors.

Input range, channel order, mean and the scale of the taps belong to a network, not to a loss.
VGG-16 gets raw RGB in [0,1], as in the published code, without the normalisation it was trained
with; SqueezeNet v1.0 gets mean-subtracted BGR bytes, as it was trained.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn
from torch.nn.functional import conv2d, max_pool2d, relu

from lgtsm.errors import WeightsError
from lgtsm.metrics.frozen import read_frozen
from lgtsm.metrics.perceptual import SqueezeNetFeatures
from lgtsm.torchvision_networks import load_torchvision

VGG_TAPS = (8, 15, 22)
"""relu2_2, relu3_3 and relu4_3 of torchvision's VGG-16, as numbers of its `features`."""
_VGG_CONVS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21)
_VGG_LATER_CONVS = (24, 26, 28)
_VGG_POOLS = (4, 9, 16, 23, 30)


class PerceptualNet(nn.Module, ABC):
    """A frozen feature network."""

    name: str = "not stated"
    """For the model card."""
    divisors: tuple[float, ...]
    """Of each tap's style term."""

    @abstractmethod
    def taps(self, frames: Tensor) -> list[Tensor]:
        """Return the feature maps (N,C,h',w') of RGB frames (N,3,h,w) in [0,1], one per tap."""


class Vgg16(PerceptualNet):
    """VGG-16 (Simonyan & Zisserman 2015), of any widths.

    Args:
        weights: tensors named features.N.weight and features.N.bias, as torchvision's; those after N = 21
            may be missing.
    """

    name = "VGG-16, raw RGB in [0,1] as published"
    divisors = (2.0, 4.0, 8.0)
    """As published, "to avoid too small loss"; the paper uses the squared channel counts."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        for index in (*_VGG_CONVS, *_VGG_LATER_CONVS):
            for kind in ("weight", "bias"):
                key = f"features.{index}.{kind}"
                if key not in weights and index in _VGG_LATER_CONVS:
                    continue
                if key not in weights:
                    raise WeightsError(
                        f"Expected VGG-16 weights with {key}, got a file without it; give "
                        "torchvision's VGG-16 as safetensors."
                    )
                self.register_buffer(f"{kind}_{index}", weights[key].float())

    def taps(self, frames: Tensor) -> list[Tensor]:
        """Return relu2_2, relu3_3 and relu4_3."""
        return self._outputs(frames, VGG_TAPS)

    def pools(self, pixels: Tensor) -> list[Tensor]:
        """Return the output of all five poolings for normalised RGB (N,3,h,w).

        Raises:
            WeightsError: the file had not all convolutions.
        """
        if not hasattr(self, f"weight_{_VGG_LATER_CONVS[-1]}"):
            raise WeightsError(
                "Expected VGG-16 with all of its convolutions (features.28.weight), got its first ten; "
                "give torchvision's VGG-16 as safetensors."
            )
        return self._outputs(pixels, _VGG_POOLS)

    def first_convolutions(self) -> dict[str, Tensor]:
        """Return the weights up to the fourth pooling, under torchvision's names."""
        kinds = ("weight", "bias")
        return {f"features.{i}.{k}": getattr(self, f"{k}_{i}") for i in _VGG_CONVS for k in kinds}

    def _outputs(self, x: Tensor, wanted: tuple[int, ...]) -> list[Tensor]:
        """Return the outputs of layers, by their numbers in `features`."""
        found = []
        for index in range(wanted[-1] + 1):
            if index in _VGG_CONVS or index in _VGG_LATER_CONVS:
                weight, bias = getattr(self, f"weight_{index}"), getattr(self, f"bias_{index}")
                x = relu(conv2d(x, weight, bias, padding=1))
            elif index in _VGG_POOLS:
                x = max_pool2d(x, 2)
            if index in wanted:
                found.append(x)
        return found


def squared_channels(taps: list[Tensor]) -> tuple[float, ...]:
    """Return the paper's style divisors: the squared number of channels of every tap."""
    return tuple(float(tap.shape[1] ** 2) for tap in taps)


_SQUEEZE_TAPS = (0, 2, 7)
_SQUEEZE_SCALES = (19.3, 155.6, 13.9)
"""Mean absolute value of each tap, measured on 64 photographs, so that all taps weigh the same. Their
strides of 2, 4 and 8 are those of VGG-16's taps."""


class SqueezeNet(PerceptualNet):
    """SqueezeNet v1.0 (Iandola et al. 2016) at conv1, fire3 and fire8, scaled to a mean of 1.

    Args:
        features: the network; the perceptual distance uses all of its taps.
    """

    name = "SqueezeNet v1.0, mean-subtracted BGR bytes as trained"
    divisors = (2.0, 4.0, 8.0)

    def __init__(self, features: SqueezeNetFeatures) -> None:
        super().__init__()
        self.features = features

    def taps(self, frames: Tensor) -> list[Tensor]:
        """Return conv1, fire3 and fire8, each divided by its mean absolute value."""
        found = self.features(frames)
        return [found[i] / s for i, s in zip(_SQUEEZE_TAPS, _SQUEEZE_SCALES, strict=True)]


TORCHVISION = "torchvision"
"""Instead of a path: VGG-16 with torchvision's ImageNet weights."""


def load_perceptual(source: str | Path) -> PerceptualNet:
    """Load a frozen feature network; the names of its tensors identify it.

    Args:
        source: a safetensors file with SqueezeNet v1.0 or VGG-16, or the word `torchvision`.

    Raises:
        DeviceError: torchvision is missing or does not fit torch.
        WeightsError: no such file, a damaged one, or another network.
    """
    weights: Mapping[str, Tensor]
    if str(source) == TORCHVISION:
        weights = load_torchvision("vgg16").state_dict()
    else:
        weights = read_frozen(source, "feature network")
    net: PerceptualNet
    if "features.0.weight" in weights:
        net = Vgg16(weights)
    else:
        net = SqueezeNet(SqueezeNetFeatures(weights))
    return net.eval().requires_grad_(False)


def distance_features(net: PerceptualNet | None) -> SqueezeNetFeatures | None:
    """Return the network that measures the perceptual distance; None unless it is SqueezeNet."""
    return net.features if isinstance(net, SqueezeNet) else None
