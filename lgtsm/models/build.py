"""From a specification to a network."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import overload

import torch
from torch import nn

from .neighbour_spec import AnySpec, CpnSpec, DfpnSpec, GuidedSpec, NeighbourSpec
from .neighbours.cpn import Cpn
from .neighbours.cpn_align import CpnAligner
from .neighbours.dfpn import Dfpn
from .neighbours.guided import Guided
from .network import CombCNNetwork, GatedNetwork, Network
from .painter import PainterNetwork
from .refine import RefineNetwork
from .spec import NetworkSpec

_CLASSES: MappingProxyType[str, Callable[[NetworkSpec], Network]] = MappingProxyType(
    dict.fromkeys(
        ("lgtsm", "lgtsm_causal", "gtsm", "tsm", "gated3d", "gated3d_skips"), GatedNetwork
    )
    | {"combcn": CombCNNetwork, "refine": RefineNetwork, "chn": PainterNetwork}
)
_NEIGHBOURS: MappingProxyType[type[NeighbourSpec], type[nn.Module]] = MappingProxyType(
    {DfpnSpec: Dfpn, GuidedSpec: Guided}
)


@overload
def build(spec: NetworkSpec) -> Network: ...
@overload
def build(spec: NeighbourSpec) -> nn.Module: ...
def build(spec: AnySpec) -> nn.Module:
    """Build an untrained network.

    Args:
        spec: its specification; `spec.family` decides the class.

    Returns:
        The network on the CPU in float32, with its default initial values.
    """
    if isinstance(spec, CpnSpec):
        return (Cpn if spec.whole else CpnAligner)(align_corners=spec.align_corners)
    if isinstance(spec, NeighbourSpec):
        return _NEIGHBOURS[type(spec)](**vars(spec))
    return _CLASSES[spec.family](spec)


def tensor_shapes(spec: AnySpec) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of a network's state dict without allocating it."""
    with torch.device("meta"):
        return {key: tuple(value.shape) for key, value in build(spec).state_dict().items()}
