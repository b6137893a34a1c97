"""Initial values that let a signal through all 17 gated layers.

Torch's default leaves the deeper layers with their biases only; here every layer is rescaled, in
order, so that its output has a standard deviation of 0.5 on one real batch (Mishkin & Matas 2016,
LSUV, without the orthogonal start). The head stays zero.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lgtsm.models.spec import LAYERS
from lgtsm.models.trunk import Trunk

TARGET_STD = 0.5


@torch.no_grad()
def rescale_layers(trunk: Trunk, x: Tensor) -> dict[str, float]:
    """Rescale the feature convolutions of a trunk in place.

    Args:
        trunk: changed in place, except its last layer.
        x: (B,T,C,h,w) a real input.

    Returns:
        Standard deviation of every layer's output afterwards, by layer name.
    """
    for module in trunk.layers()[:-1]:
        module.feature.bias.zero_()
        module.gate.bias.zero_()
        name = module.layer.name
        for _ in range(3):  # the gate is not linear in the scale, so one step does not land
            seen: dict[str, float] = {}
            trunk(x, observe=lambda n, y, seen=seen: seen.__setitem__(n, float(y.std())))
            module.feature.weight.mul_(TARGET_STD / max(seen[name], 1e-8))
    seen = {}
    trunk(x, observe=lambda n, y: seen.__setitem__(n, float(y.std())))
    return {layer.name: seen[layer.name] for layer in LAYERS}
