"""Specifications of the network families; torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from ..errors import WeightsError
from .chn_spec import ChnSpec
from .combcn_spec import CombCNSpec
from .trunk_spec import LAYERS, MAX_COUNT, LayerSpec, ShiftKind, ShiftSpec, TrunkSpec

__all__ = [
    "FAMILIES",
    "LAYERS",
    "PAINTERS",
    "REFINE_INPUTS",
    "REFINE_OUTPUTS",
    "SMOOTHING_FRAMES",
    "ChnSpec",
    "CombCNSpec",
    "LayerSpec",
    "NetworkSpec",
    "ShiftKind",
    "ShiftSpec",
    "TrunkSpec",
]

REFINE_INPUTS = 15
"""Plain fill, its differences to three candidates (3 channels each), hole, error, confidence."""
SMOOTHING_FRAMES = 2
"""Frames on each side whose fills are averaged in. Measured on nine clips with moving holes: 1 gains
0.25 dB and removes half of the warping error, 2 gains 0.35 dB and removes 55 %."""
REFINE_OUTPUTS = 6
"""Residual (3) and a mixing weight for each of the three candidates."""


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """A whole network: a trunk and the meaning of its input and output."""

    family: str
    trunk: TrunkSpec | CombCNSpec | ChnSpec = field(default_factory=TrunkSpec)
    source_frames: int = 0
    """Other frames, at most, that candidates are copied from; 0 for families without a fill."""
    reach: int = 0
    """Largest distance of a source frame, in frames, before and after."""

    def __post_init__(self) -> None:
        """Check the reach, and that the trunk's input and output suit the family.

        Raises:
            WeightsError: a number outside 0..`MAX_COUNT`, or a trunk of another family.
        """
        for number in (self.source_frames, self.reach):
            if not 0 <= number <= MAX_COUNT:
                raise WeightsError(
                    f"Expected 0 to {MAX_COUNT} source frames and frames of reach, got {number}; "
                    "correct the spec."
                )
        trunk = self.trunk
        found = (trunk.inputs, trunk.outputs, trunk.skips)
        if self.source_frames:
            expected = (REFINE_INPUTS, REFINE_OUTPUTS, True)
        elif isinstance(trunk, CombCNSpec | ChnSpec):
            expected = found
        else:  # of the published networks only the 3-D one may have skips
            expected = (5, 3, trunk.skips and trunk.kernel_frames > 1)
        if found != expected:
            raise WeightsError(
                f"Expected a trunk with inputs, outputs and skips {expected}, got {found}; correct "
                "the spec or use another family."
            )

    @property
    def streamed(self) -> TrunkSpec | CombCNSpec:
        """The trunk of a network that runs over a clip as a stream.

        Raises:
            WeightsError: a network that paints single frames.
        """
        if isinstance(self.trunk, ChnSpec):
            raise WeightsError(
                f"Expected a family that streams ({', '.join(FAMILIES)}), got {self.family}, which "
                "paints one frame after the other; choose another."
            )
        return self.trunk

    @property
    def paints(self) -> bool:
        """Whether the network paints single frames from aligned references."""
        return isinstance(self.trunk, ChnSpec)

    @property
    def starts_from_fill(self) -> bool:
        """Whether the network reads a candidate fill instead of black holes."""
        return self.source_frames > 0

    @property
    def window(self) -> tuple[int, int]:
        """Frames (past, future) that candidates may be copied from."""
        return self.reach, 0 if self.trunk.shift.causal else self.reach

    @property
    def context(self) -> tuple[int, int]:
        """Frames (past, future) that an output frame depends on, candidates included."""
        (past, future), window = self.trunk.context, self.window
        # a fill is averaged with those of its neighbours, each of which has its own window
        before, after = (side + SMOOTHING_FRAMES if side else 0 for side in window)
        return past + before, future + after

    def to_config(self) -> dict[str, Any]:
        """Return JSON values for a file header; `from_config` reads them back."""
        config = asdict(self)
        if isinstance(self.trunk, TrunkSpec):
            config["trunk"]["shift"]["kind"] = self.trunk.shift.kind.value
        return config

    @staticmethod
    def from_config(config: Mapping[str, Any]) -> NetworkSpec:
        """Build a spec from the values of a file header.

        Raises:
            WeightsError: unknown family, missing or unknown fields, values of another type.
        """
        try:
            values = dict(config)
            spec = NetworkSpec(trunk=_read_trunk(values.pop("trunk")), **values)
            _check_types(spec)
            known = spec.family in _KNOWN
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(
                f"Expected a network configuration written by this package, got one with {error}; "
                "use a file made by `python -m train export` or `lgtsm convert`."
            ) from error
        if not known:
            raise WeightsError(
                f"Expected one of the families {', '.join(_KNOWN)}, got {spec.family!r}; "
                "update the package or use another file."
            )
        own, usual = _traits(spec.trunk), _traits(_KNOWN[spec.family].trunk)
        if own != usual:
            raise WeightsError(
                f"Expected {usual} in a network of the family {spec.family}, got {own}; use a file "
                "whose header has not been changed."
            )
        return spec


def _read_trunk(config: Mapping[str, Any]) -> TrunkSpec | CombCNSpec | ChnSpec:
    """Build the trunk's spec from the values of a header; only one of a trunk has a shift."""
    values = dict(config)
    if "num_blocks" in values:
        return ChnSpec(**values)
    if "shift" not in values:
        return CombCNSpec(**values)
    shift = dict(values.pop("shift"))
    kind = ShiftKind(shift.pop("kind"))
    return TrunkSpec(shift=ShiftSpec(kind=kind, **shift), **values)


def _traits(trunk: TrunkSpec | CombCNSpec | ChnSpec) -> str:
    """Describe the properties that all networks of a family share."""
    if isinstance(trunk, ChnSpec):
        return "residual blocks"
    if isinstance(trunk, CombCNSpec):
        return "the two CombCN bodies"
    gates, skips = ("with" if present else "without" for present in (trunk.gated, trunk.skips))
    return f"a trunk {gates} gates, {skips} skips, kernels over {trunk.kernel_frames} frames"


def _check_types(spec: NetworkSpec) -> None:
    """Raise TypeError where a value has another type than in a fresh spec."""
    trunk = spec.trunk
    fresh = NetworkSpec(family="", trunk=type(trunk)())
    pairs: list[tuple[object, object]] = [(trunk, fresh.trunk), (spec, fresh)]
    if isinstance(trunk, TrunkSpec):
        pairs.append((trunk.shift, ShiftSpec()))
    for part, usual in pairs:
        for name, value in vars(part).items():
            if type(value) is not type(getattr(usual, name)):
                raise TypeError(f"{name} {value!r}")


_UNSHIFTED = ShiftSpec(kind=ShiftKind.NONE)

FAMILIES: MappingProxyType[str, NetworkSpec] = MappingProxyType(
    {
        "lgtsm": NetworkSpec(family="lgtsm"),
        "lgtsm_causal": NetworkSpec(
            family="lgtsm_causal", trunk=TrunkSpec(shift=ShiftSpec(causal=True))
        ),
        "gtsm": NetworkSpec(family="gtsm", trunk=TrunkSpec(shift=ShiftSpec(kind=ShiftKind.FIXED))),
        "tsm": NetworkSpec(
            family="tsm",
            trunk=TrunkSpec(width=90, gated=False, shift=ShiftSpec(kind=ShiftKind.FIXED)),
        ),
        "gated3d": NetworkSpec(
            family="gated3d", trunk=TrunkSpec(kernel_frames=3, shift=_UNSHIFTED)
        ),
        "gated3d_skips": NetworkSpec(
            family="gated3d_skips", trunk=TrunkSpec(kernel_frames=3, skips=True, shift=_UNSHIFTED)
        ),
        "combcn": NetworkSpec(family="combcn", trunk=CombCNSpec()),
        "refine": NetworkSpec(
            family="refine",
            source_frames=8,
            reach=48,
            trunk=TrunkSpec(width=16, inputs=REFINE_INPUTS, outputs=REFINE_OUTPUTS, skips=True),
        ),
    }
)
"""One entry per family, at its published or usual width; `dataclasses.replace` varies the sizes."""

PAINTERS: MappingProxyType[str, NetworkSpec] = MappingProxyType(
    {"chn": NetworkSpec(family="chn", reach=20, trunk=ChnSpec())}
)
"""The same for families that paint one frame from aligned references instead of streaming a clip."""

_KNOWN = {**FAMILIES, **PAINTERS}
