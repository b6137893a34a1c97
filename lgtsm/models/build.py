"""From a specification to a network."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from .combcn import CombCNNetwork
from .network import GatedNetwork, Network
from .refine import RefineNetwork
from .spec import NetworkSpec

_BODIES: MappingProxyType[str, Callable[[NetworkSpec], Network]] = MappingProxyType(
    {
        "lgtsm": GatedNetwork,
        "lgtsm_causal": GatedNetwork,
        "gtsm": GatedNetwork,
        "tsm": GatedNetwork,
        "gated3d": GatedNetwork,
        "gated3d_skips": GatedNetwork,
        "combcn": CombCNNetwork,
        "refine": RefineNetwork,
    }
)


def build(spec: NetworkSpec) -> Network:
    """Build an untrained network.

    Args:
        spec: its specification; `spec.family` decides the class.

    Returns:
        The network on the CPU in float32, with torch's default initial values.
    """
    return _BODIES[spec.family](spec)
