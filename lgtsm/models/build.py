"""From a specification to a network."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from .network import CombCNNetwork, GatedNetwork, Network
from .refine import RefineNetwork
from .spec import NetworkSpec

_CLASSES: MappingProxyType[str, Callable[[NetworkSpec], Network]] = MappingProxyType(
    dict.fromkeys(
        ("lgtsm", "lgtsm_causal", "gtsm", "tsm", "gated3d", "gated3d_skips"), GatedNetwork
    )
    | {"combcn": CombCNNetwork, "refine": RefineNetwork}
)


def build(spec: NetworkSpec) -> Network:
    """Build an untrained network.

    Args:
        spec: its specification; `spec.family` decides the class.

    Returns:
        The network on the CPU in float32, with torch's default initial values.
    """
    return _CLASSES[spec.family](spec)
