"""From the specification of a network that helps to fill to the network."""

from __future__ import annotations

from torch import nn

from ..neighbour_spec import CpnSpec, DfpnSpec, GuidedSpec, NeighbourSpec
from .cpn import Cpn
from .cpn_align import CpnAligner
from .dfpn import Dfpn
from .guided import Guided


def build_neighbour(spec: NeighbourSpec) -> nn.Module:
    """Build an untrained network on the CPU in float32.

    Raises:
        TypeError: a specification that is none of this package.
    """
    match spec:
        case DfpnSpec():
            return Dfpn(width=spec.width, side=spec.side)
        case CpnSpec():
            return (Cpn if spec.whole else CpnAligner)(align_corners=spec.align_corners)
        case GuidedSpec():
            return Guided(
                num_blocks=spec.num_blocks,
                num_cross=spec.num_cross,
                side=spec.side,
                fourier=spec.fourier,
            )
        case _:
            raise TypeError(spec)
