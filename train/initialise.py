"""Weight initialisation: as published, scaled, or rescaled on real data.

With torch's default the deeper layers of the gated trunk output little but their biases. Measured on
nf 64: Kaiming for both convolutions decays to nothing; feature kernels at twice and gate kernels at
a quarter of its deviation preserve the signal. LSUV (Mishkin & Matas 2016, without the orthogonal
start) rescales every layer, in order, to a standard deviation of 0.5 on one real batch. The head of
a refining network stays zero.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lgtsm.models.gated import GatedLayer
from lgtsm.models.neighbours.dfpn import Dfpn
from lgtsm.models.network import Network
from lgtsm.models.spec import LAYERS
from lgtsm.models.trunk import Trunk

from .data.batch import Batch
from .objective import predict
from .recipe import Initialisation

TARGET_STD = 0.5
_SLOPE = 0.2
"""Of the trunk's leaky ReLU."""
_FEATURE_GAIN, _GATE_GAIN, _FLOW_GAIN = 2.0, 0.25, 0.3


@torch.no_grad()
def initialise(network: nn.Module, kind: Initialisation, batch: Batch, seed: int) -> None:
    """Draw initial weights in place, without the global generator.

    Only the trunk and DFPN, whose layers are scaled, support other kinds than the published default,
    which the network must have. A real batch is needed for the rescaling.
    """
    if kind is Initialisation.PUBLISHED:
        return
    rng = torch.Generator().manual_seed(seed)
    if isinstance(network, Dfpn):
        _scale_layers(network, rng)
        return
    trunk = getattr(network, "trunk", None)  # none where a network paints
    if not isinstance(network, Network) or not isinstance(trunk, Trunk):
        return
    gain = _FEATURE_GAIN if kind is Initialisation.SCALED else 1.0
    layers = trunk.layers()
    for module in layers[:-1] if network.spec.starts_from_fill else layers:
        for convolution, scale in ((module.feature, gain), (module.gate, _GATE_GAIN)):
            if convolution is not None:
                values = torch.empty_like(convolution.weight, device="cpu")
                nn.init.kaiming_normal_(values, a=_SLOPE, generator=rng)
                convolution.weight.copy_(scale * values)
                if convolution.bias is not None:
                    convolution.bias.zero_()
    if kind is Initialisation.LSUV:
        rescale_layers(network, trunk, batch)


def _scale_layers(network: Dfpn, rng: torch.Generator) -> None:
    """Draw Kaiming's values, those of flows at a third of his deviation, without biases.

    With torch's default its twenty layers without a norm put out the same flow for every pair.
    """
    for module in network.modules():
        if (
            not isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
            or not module.weight.requires_grad
        ):
            continue  # of the frozen features
        fan = module.weight[0].numel()
        if isinstance(module, nn.ConvTranspose2d):  # a pixel sees a quarter of the kernel
            fan = module.weight[:, 0].numel() / 4
        gain = _FLOW_GAIN if module.out_channels == 2 else 1.0
        values = torch.empty_like(module.weight, device="cpu")
        module.weight.copy_(values.normal_(0, gain * (2 / fan) ** 0.5, generator=rng))
        if module.bias is not None:
            module.bias.zero_()


@torch.no_grad()
def rescale_layers(network: Network, trunk: Trunk, batch: Batch) -> dict[str, float]:
    """Rescale the feature convolutions of a network's trunk in place, all but the head's.

    Returns:
        Standard deviation of every layer's output afterwards, by layer name.
    """
    for module in trunk.layers()[:-1]:
        for _ in range(3):  # the gate is not linear in the scale, so one correction is not enough
            std = _deviations(network, trunk, batch)[module.layer.name]
            module.feature.weight.mul_(TARGET_STD / max(std, 1e-8))
    stds = _deviations(network, trunk, batch)
    return {layer.name: stds[layer.name] for layer in LAYERS}


def _deviations(network: Network, trunk: Trunk, batch: Batch) -> dict[str, float]:
    """Return the standard deviation of every layer's output."""
    stds: dict[str, float] = {}

    def record(module: GatedLayer, _: object, output: Tensor) -> None:
        stds[module.layer.name] = float(output.std())

    hooks = [module.register_forward_hook(record) for module in trunk.layers()]
    try:
        predict(network, batch)
    finally:
        for hook in hooks:
            hook.remove()
    return stds
