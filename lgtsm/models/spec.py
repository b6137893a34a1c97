"""What each network family is, as data; no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from types import MappingProxyType

from ..errors import WeightsError
from .combcn_spec import CombCNSpec
from .trunk_spec import LAYERS, MOST, LayerSpec, ShiftKind, ShiftSpec, TrunkSpec

__all__ = [
    "FAMILIES",
    "LAYERS",
    "REFINE_INPUTS",
    "REFINE_OUTPUTS",
    "STEADY_FRAMES",
    "CombCNSpec",
    "LayerSpec",
    "NetworkSpec",
    "ShiftKind",
    "ShiftSpec",
    "TrunkSpec",
]

REFINE_INPUTS = 15
"""Plain fill, three candidates less it (3 channels each), hole, expected error, confidence."""
STEADY_FRAMES = 2
"""Frames before and after whose fills are averaged in (`copying.steady.RADIUS`)."""
REFINE_OUTPUTS = 6
"""Residual (3) and a mixing weight for each of the three candidates."""


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """A whole network: a trunk and what its input and output mean."""

    family: str
    trunk: TrunkSpec | CombCNSpec = field(default_factory=TrunkSpec)
    source_frames: int = 0
    """Other frames whose pixels enter as candidates (families that start from a fill)."""
    reach: int = 0
    """How far before and after, in frames, they may lie."""

    def __post_init__(self) -> None:
        """Check the reach, and that the trunk reads and gives what the family does.

        Raises:
            WeightsError: a negative or absurd number of references, or a trunk of another family.
        """
        for number in (self.source_frames, self.reach):
            if not 0 <= number <= MOST:
                raise WeightsError(
                    f"Expected 0 to {MOST} references and frames of reach, got {number}; correct "
                    "the spec."
                )
        trunk = self.trunk
        if isinstance(trunk, CombCNSpec) and not self.source_frames:
            return
        reads = (trunk.inputs, trunk.outputs, trunk.skips)
        wanted = (REFINE_INPUTS, REFINE_OUTPUTS, True)
        if not self.source_frames:  # of the published ones only the 3-D one may have skips
            wanted = (5, 3, trunk.skips and trunk.kernel_frames > 1)
        if reads != wanted:
            raise WeightsError(
                f"Expected a trunk with inputs, outputs and skips {wanted}, got {reads}; correct "
                "the spec or take another family."
            )

    @property
    def starts_from_fill(self) -> bool:
        """Whether the network reads candidate instead of black holes."""
        return self.source_frames > 0

    @property
    def window(self) -> tuple[int, int]:
        """How far (past, future), in frames, pixels may come from."""
        return self.reach, 0 if self.trunk.shift.causal else self.reach

    @property
    def context(self) -> tuple[int, int]:
        """Frames (past, future) that an output frame depends on, candidates included."""
        (past, future), window = self.trunk.context, self.window
        # a fill is averaged with those of its neighbours, which have windows of their own
        before, after = (side + STEADY_FRAMES if side else 0 for side in window)
        return past + before, future + after

    def to_config(self) -> dict[str, object]:
        """Return plain values for a file header; `from_config` reads them back."""
        config = asdict(self)
        if isinstance(self.trunk, TrunkSpec):
            config["trunk"]["shift"]["kind"] = self.trunk.shift.kind.value
        return config

    @staticmethod
    def from_config(config: dict) -> NetworkSpec:
        """Build a spec from the values of a file header.

        Raises:
            WeightsError: unknown family, missing or unknown fields, values of another type.
        """
        try:
            values = dict(config)
            trunk = _read_trunk(dict(values.pop("trunk")))
            spec = NetworkSpec(trunk=trunk, **values)
            _check_types(spec)
            known = spec.family in FAMILIES
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(
                f"Expected a network configuration written by this package, got one with {error}; "
                "use a file made by `python -m train export` or `lgtsm convert`."
            ) from error
        if not known:
            raise WeightsError(
                f"Expected one of the families {', '.join(FAMILIES)}, got {spec.family!r}; "
                "update the package or use another file."
            )
        own, usual = _traits(spec.trunk), _traits(FAMILIES[spec.family].trunk)
        if own != usual:
            raise WeightsError(
                f"Expected {usual} in a network of the family {spec.family}, got {own}; use a file "
                "whose header is its own."
            )
        return spec


def _read_trunk(values: dict) -> TrunkSpec | CombCNSpec:
    """Build the trunk's spec from the values of a header; only a CombCN has no shift."""
    if "shift" not in values:
        return CombCNSpec(**values)
    shift = dict(values.pop("shift"))
    shift["kind"] = ShiftKind(shift["kind"])
    return TrunkSpec(shift=ShiftSpec(**shift), **values)


def _traits(trunk: TrunkSpec | CombCNSpec) -> str:
    """Say what all networks of a family have in common."""
    if isinstance(trunk, CombCNSpec):
        return "the two CombCN bodies"
    gates, skips = ("with" if there else "without" for there in (trunk.gated, trunk.skips))
    return f"a trunk {gates} gates, {skips} skips, kernels over {trunk.kernel_frames} frames"


def _check_types(spec: NetworkSpec) -> None:
    """Compare the types of all values with those of a fresh spec; raises TypeError."""
    fresh = NetworkSpec(family="", trunk=type(spec.trunk)())
    pairs = [(spec, fresh), (spec.trunk, fresh.trunk)]
    if isinstance(spec.trunk, TrunkSpec):
        pairs.append((spec.trunk.shift, fresh.trunk.shift))
    for part, model in pairs:
        for name, value in vars(part).items():
            if type(value) is not type(getattr(model, name)):
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
"""One entry a family, at its published or usual width; sizes vary by `dataclasses.replace`."""
