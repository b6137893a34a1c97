"""Networks that help to fill, as data; no torch. See docs/networks.md for what each is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, ClassVar

from ..errors import WeightsError
from .spec import NetworkSpec
from .trunk_spec import MAX_COUNT


class Role(Enum):
    """What such a network does in the engine."""

    ALIGNER = "aligner"
    """Finds where other frames show the background."""
    CARRIER = "carrier"
    """Carries key frames through a shot."""

    @property
    def takes(self) -> str:
        """Where a network of this role is given to a job."""
        return f"--{self.value}-model, or the {self.value} input of the nodes"


@dataclass(frozen=True, kw_only=True)
class NeighbourSpec:
    """Base of the specifications; every field is a count or a choice."""

    family: ClassVar[str]
    role: ClassVar[Role]

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            WeightsError: a count outside 1..`MAX_COUNT`, no number at all, or numbers that do not fit.
        """
        for name, value in vars(self).items():
            is_choice = isinstance(getattr(type(self), name), bool)
            fits = type(value) is bool if is_choice else type(value) is int
            if not fits or not (is_choice or 1 <= value <= MAX_COUNT):
                raise WeightsError(
                    f"Expected {name} of {self.family} as "
                    f"{'a bool' if is_choice else f'1 to {MAX_COUNT}'}, got {value!r}; correct the spec."
                )

        if misfit := self._misfit():
            raise WeightsError(f"Expected {misfit}; correct the spec.")

    def _misfit(self) -> str:
        """Return what was expected and what came where the fields do not fit; empty where they do."""
        return ""

    def to_config(self) -> dict[str, Any]:
        """Return JSON values for a file header; `neighbour_from_config` reads them back."""
        return {"family": self.family, **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class DfpnSpec(NeighbourSpec):
    """Dense Flow Prediction Network, Alvarez 2020.

    width: channels of the estimators, and half of the correlation filter's.
    side: height and width in pixels at which frames are compared, a multiple of 32.
    """

    family: ClassVar[str] = "dfpn"
    role: ClassVar[Role] = Role.ALIGNER
    width: int = 128
    side: int = 256

    def _misfit(self) -> str:
        return f"a side in multiples of 32, got {self.side}" if self.side % 32 else ""


@dataclass(frozen=True, kw_only=True)
class CpnSpec(NeighbourSpec):
    """Copy-and-Paste Network, Lee et al. 2019.

    whole: whether encoder and decoder are there too; the aligner alone otherwise.
    align_corners: what -1 and 1 mean: centres of the corner pixels (the authors' weights were trained
        so) or edges of the frame (the same code under torch 1.3 or later).
    """

    family: ClassVar[str] = "cpn"
    role: ClassVar[Role] = Role.ALIGNER
    whole: bool = True
    align_corners: bool = True


@dataclass(frozen=True, kw_only=True)
class GuidedSpec(NeighbourSpec):
    """Two-stream key-frame propagation, Esser et al. 2022.

    num_blocks: of the bottleneck; num_cross: of them, those in which the target sees references.
    side: windows along each side. fourier: fast Fourier convolutions, or grouped ones.
    """

    family: ClassVar[str] = "guided"
    role: ClassVar[Role] = Role.CARRIER
    num_blocks: int = 4
    num_cross: int = 2
    side: int = 16
    fourier: bool = True

    def _misfit(self) -> str:
        if self.num_cross <= self.num_blocks:
            return ""
        return f"at most {self.num_blocks} crossing blocks, got {self.num_cross}"


AnySpec = NetworkSpec | NeighbourSpec
"""Of a network that fills, or of one that helps to."""

NEIGHBOURS: MappingProxyType[str, type[NeighbourSpec]] = MappingProxyType(
    {kind.family: kind for kind in (DfpnSpec, CpnSpec, GuidedSpec)}
)
"""Specifications by family; their defaults are the published sizes."""


def neighbour_from_config(config: Mapping[str, Any]) -> NeighbourSpec:
    """Build a spec from the values of a file header.

    Args:
        config: whose `family` is one of `NEIGHBOURS`.

    Raises:
        WeightsError: unknown fields, values of another type or out of range.
    """
    values = dict(config)
    kind = NEIGHBOURS[values.pop("family")]
    try:
        return kind(**values)
    except TypeError as error:
        raise WeightsError(
            f"Expected a {kind.family} configuration written by this package, got one with {error}; "
            "use a file made by `lgtsm convert` or `python -m train export`."
        ) from error
