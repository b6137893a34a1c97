"""LPIPS (Zhang et al. 2018, version 0.1) through the package `lpips`, where it is installed.

The package needs torchvision and downloads backbone weights, so it stays optional. Not verified on
the real weights, which were not available here.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import torch
from torch import Tensor

from ...errors import OptionError
from ...torchvision_networks import load_torchvision

BACKBONES = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}
"""Names of the package and of torchvision; the published tables use alex."""


def has_lpips() -> bool:
    """Whether the package is installed."""
    return find_spec("lpips") is not None


def load_lpips(backbone: str = "alex") -> Callable[[Tensor, Tensor], Tensor]:
    """Load the network.

    Args:
        backbone: one of `BACKBONES`.

    Returns:
        A function of (N,3,H,W) and (N,3,H,W), RGB in [0,1], that returns (N,) distances.

    Raises:
        OptionError: the package is missing, or the backbone is unknown.
        DeviceError: torchvision does not fit torch.
        WeightsError: torchvision's weights are missing, or are not those published.
    """
    if backbone not in BACKBONES:
        raise OptionError(
            f"Expected one of the backbones {', '.join(BACKBONES)}, got {backbone}; choose one."
        )
    if not has_lpips():
        raise OptionError(
            "Expected the package lpips, found none; pip install lpips, or use the SqueezeNet "
            "feature distance, which is another metric."
        )
    published = load_torchvision(BACKBONES[backbone]).state_dict()  # before the package's imports
    import lpips

    with torch.random.fork_rng(devices=[]):  # it draws random weights first
        network = lpips.LPIPS(net=backbone, version="0.1", verbose=False, pnet_rand=True)
    # the package keeps torchvision's numbers of the layers inside its slices
    slices = network.net.state_dict()
    network.net.load_state_dict({k: published[f"features.{k.split('.', 1)[1]}"] for k in slices})
    network = network.eval().requires_grad_(False)
    return lambda first, second: published_lpips(network, first, second)


def published_lpips(
    network: Callable[[Tensor, Tensor], Tensor], first: Tensor, second: Tensor
) -> Tensor:
    """Run a network as the published evaluation does: on truncated bytes, scaled to [-1,1].

    Args:
        network: takes two (N,3,H,W) in [-1,1], returns (N,1,1,1).
        first: (N,3,H,W) in [0,1].
        second: (N,3,H,W) in [0,1].

    Returns:
        (N,) distances.
    """
    with torch.no_grad():
        pair = [(x.clamp(0, 1) * 255).floor() / 127.5 - 1 for x in (first, second)]
        return network(*pair).flatten()
