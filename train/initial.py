"""First weights of a network: as published, scaled, or rescaled on real data.

torch's default leaves the deeper layers of the gated trunk with their biases only. Measured on nf 64:
Kaiming for both convolutions decays to nothing, feature kernels with twice and gate kernels with a
quarter of its deviation keep a signal; LSUV (Mishkin & Matas 2016, without the orthogonal start)
rescales every layer, in order, to a standard deviation of 0.5 on one real batch. The head of a
refining net stays zero.
"""

from __future__ import annotations

import torch
from torch import nn

from lgtsm.models.network import Network
from lgtsm.models.spec import LAYERS
from lgtsm.models.trunk import Trunk

from .data.sampling import Batch
from .objective import predict
from .recipe import Initial

TARGET_STD = 0.5
_SLOPE = 0.2
_FEATURE_GAIN, _GATE_GAIN = 2.0, 0.25


@torch.no_grad()
def initialise(network: Network, kind: Initial, batch: Batch, seed: int) -> None:
    """Draw first weights in place, without touching the global generator.

    Args:
        network: built with torch's default values.
        kind: which weights; only the trunk has another than the published default.
        batch: a real one, for the rescaling.
        seed: of the draws.
    """
    if kind is Initial.PUBLISHED or not isinstance(network.trunk, Trunk):
        return
    rng = torch.Generator().manual_seed(seed)
    gain = _FEATURE_GAIN if kind is Initial.SCALED else 1.0
    layers = network.trunk.layers()
    for module in layers[:-1] if network.spec.starts_from_fill else layers:
        for convolution, scale in ((module.feature, gain), (module.gate, _GATE_GAIN)):
            if convolution is not None:
                values = torch.empty_like(convolution.weight, device="cpu")
                nn.init.kaiming_normal_(values, a=_SLOPE, generator=rng)
                convolution.weight.copy_(scale * values)
                convolution.bias.zero_()
    if kind is Initial.LSUV:
        rescale_layers(network, batch)


@torch.no_grad()
def rescale_layers(network: Network, batch: Batch) -> dict[str, float]:
    """Rescale the feature convolutions of a trunk in place, all but the head.

    Args:
        network: whose trunk is changed.
        batch: a real one.

    Returns:
        Standard deviation of every layer's output afterwards, by layer name.
    """
    for module in network.trunk.layers()[:-1]:
        for _ in range(3):  # the gate is not linear in the scale, so one step does not land
            std = _deviations(network, batch)[module.layer.name]
            module.feature.weight.mul_(TARGET_STD / max(std, 1e-8))
    seen = _deviations(network, batch)
    return {layer.name: seen[layer.name] for layer in LAYERS}


def _deviations(network: Network, batch: Batch) -> dict[str, float]:
    """Return the standard deviation of every layer's output."""
    seen: dict[str, float] = {}
    hooks = [
        module.register_forward_hook(
            lambda _, __, y, name=module.layer.name: seen.__setitem__(name, float(y.std()))
        )
        for module in network.trunk.layers()
    ]
    try:
        predict(network, batch)
    finally:
        for hook in hooks:
            hook.remove()
    return seen
