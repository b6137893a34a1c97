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

BACKBONES = ("alex", "vgg", "squeeze")
"""The published tables use alex."""


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
    import lpips

    network = lpips.LPIPS(net=backbone, version="0.1", verbose=False).eval().requires_grad_(False)
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
