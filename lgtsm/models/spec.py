"""What each network family is, as data; no torch.

Layer table, shift and widths: Chang et al. 2019 (LGTSM, BMVC), sections 3.1-3.3, with the sizes of
the published code where paper and code differ (17 layers, strided convolutions, 5x5 first kernel
with padding 1).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from types import MappingProxyType

from ..errors import WeightsError

_MOST = 4096
"""No count in a spec exceeds this; a file that claims more is damaged or an attack."""


class ShiftKind(Enum):
    """How features of neighbouring frames reach a layer."""

    NONE = "none"
    FIXED = "fixed"
    LEARNED = "learned"


@dataclass(frozen=True, kw_only=True)
class ShiftSpec:
    """Temporal shift before every feature convolution."""

    kind: ShiftKind = ShiftKind.LEARNED
    width: int = 3
    """Taps of one temporal kernel; odd."""
    groups: int = 2
    """Channel groups, each with one kernel of its own."""
    ratio: float = 0.5
    """Share of the channels that is shifted at all."""
    causal: bool = False
    """Kernels end at the current frame, so that no future frame is read."""
    first_layer: bool = True
    """Whether the first layer is shifted too (the paper's LGTSM leaves it unshifted)."""

    def __post_init__(self) -> None:
        """Check the widths.

        Raises:
            WeightsError: even width, no group, absurdly many, or a ratio outside 0..1.
        """
        counts = 1 <= self.width <= _MOST and 1 <= self.groups <= _MOST
        if not counts or self.width % 2 == 0 or not 0 <= self.ratio <= 1:
            raise WeightsError(
                f"Expected an odd shift width, 1 to {_MOST} groups and a ratio in 0..1, got "
                f"width {self.width}, groups {self.groups}, ratio {self.ratio}; correct the spec."
            )

    @property
    def past(self) -> int:
        """Frames before the current one that a kernel reads."""
        if self.kind is ShiftKind.NONE:
            return 0
        return self.width - 1 if self.causal else self.width // 2

    @property
    def future(self) -> int:
        """Frames after the current one that a kernel reads."""
        return 0 if self.causal or self.kind is ShiftKind.NONE else self.width // 2

    def shifted(self, num_channels: int) -> int:
        """Return how many of the leading channels one group shifts."""
        return int(num_channels * self.ratio) // self.groups


@dataclass(frozen=True, kw_only=True)
class LayerSpec:
    """One gated convolution; channel counts in units of the base width."""

    name: str
    inputs: float
    outputs: float
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    padding: int = 1
    upsample: bool = False
    """Nearest x2 before the convolution."""
    activation: bool = True
    """Leaky ReLU of slope 0.2 on the feature branch."""
    skip_from: str | None = None
    """Encoder layer whose output is appended to the input in nets with skips."""


LAYERS: tuple[LayerSpec, ...] = (
    # inputs of conv1 and outputs of conv11 are channel counts of the family, not multiples
    LayerSpec(name="conv1", inputs=0, outputs=1, kernel=5, padding=1),
    LayerSpec(name="conv2", inputs=1, outputs=2, kernel=4, stride=2, padding=2),
    LayerSpec(name="conv3", inputs=2, outputs=2),
    LayerSpec(name="conv4", inputs=2, outputs=4, kernel=4, stride=2),
    LayerSpec(name="conv5", inputs=4, outputs=4),
    LayerSpec(name="conv6", inputs=4, outputs=4),
    LayerSpec(name="dilated_conv1", inputs=4, outputs=4, dilation=2, padding=2),
    LayerSpec(name="dilated_conv2", inputs=4, outputs=4, dilation=4, padding=4),
    LayerSpec(name="dilated_conv3", inputs=4, outputs=4, dilation=8, padding=8),
    LayerSpec(name="dilated_conv4", inputs=4, outputs=4, dilation=16, padding=16),
    LayerSpec(name="conv7", inputs=4, outputs=4),
    LayerSpec(name="conv8", inputs=4, outputs=4),
    LayerSpec(name="deconv1", inputs=4, outputs=2, upsample=True, skip_from="conv4"),
    LayerSpec(name="conv9", inputs=2, outputs=2),
    LayerSpec(name="deconv2", inputs=2, outputs=1, upsample=True, skip_from="conv2"),
    LayerSpec(name="conv10", inputs=1, outputs=0.5),
    LayerSpec(name="conv11", inputs=0.5, outputs=0, activation=False),
)


@dataclass(frozen=True, kw_only=True)
class TrunkSpec:
    """The 17-layer gated encoder-decoder."""

    width: int = 64
    """Base width: channels of the first layer."""
    inputs: int = 5
    outputs: int = 3
    skips: bool = False
    shift: ShiftSpec = field(default_factory=ShiftSpec)

    multiple = 4
    """Height and width must be multiples of this."""
    margin_px = 153
    """Farthest input pixel, per side, that an output pixel can depend on (151 from the edge of a
    region whose edges are multiples of 4)."""

    def __post_init__(self) -> None:
        """Check the widths.

        Raises:
            WeightsError: no channel, absurdly many, or a base width that cannot be halved.
        """
        ends = 1 <= self.inputs <= _MOST and 1 <= self.outputs <= _MOST
        if not ends or not 2 <= self.width <= _MOST:
            raise WeightsError(
                f"Expected a base width of 2 to {_MOST} and 1 to {_MOST} inputs and outputs, got "
                f"width {self.width}, inputs {self.inputs}, outputs {self.outputs}; correct the "
                "spec."
            )

    @property
    def context(self) -> tuple[int, int]:
        """Frames (past, future) that an output frame depends on."""
        shifted = len(LAYERS) - (0 if self.shift.first_layer else 1)
        return shifted * self.shift.past, shifted * self.shift.future

    def channels(self, layer: LayerSpec) -> tuple[int, int]:
        """Return input and output channels of a layer, skips included."""
        by_name = {spec.name: spec for spec in LAYERS}
        inputs = int(layer.inputs * self.width) or self.inputs
        if self.skips and layer.skip_from:
            inputs += int(by_name[layer.skip_from].outputs * self.width)
        outputs = int(layer.outputs * self.width) or self.outputs
        return inputs, outputs

    def layer_shift(self, layer: LayerSpec) -> ShiftSpec:
        """Return the shift of one layer (none where the first layer is left out)."""
        if layer is LAYERS[0] and not self.shift.first_layer:
            return replace(self.shift, kind=ShiftKind.NONE)
        return self.shift


REFINE_INPUTS = 15
"""Fill, three candidates less the fill (3 channels each), hole, expected error, confidence."""
REFINE_OUTPUTS = 6
"""Residual (3) and a mixing weight for each of the three candidates."""


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """A whole network: a trunk and what its input and output mean."""

    family: str
    trunk: TrunkSpec = field(default_factory=TrunkSpec)
    num_references: int = 0
    """Frames on each side whose pixels enter as candidates (families that start from a fill)."""
    reach: int = 0
    """How far, in frames, others may lie that show what none of those shows."""

    def __post_init__(self) -> None:
        """Check the reach, and that the trunk reads and gives what the family does.

        Raises:
            WeightsError: a negative or absurd number of references, or a trunk of another family.
        """
        for number in (self.num_references, self.reach):
            if not 0 <= number <= _MOST:
                raise WeightsError(
                    f"Expected 0 to {_MOST} references and frames of reach, got {number}; correct "
                    "the spec."
                )
        reads = (self.trunk.inputs, self.trunk.outputs, self.trunk.skips)
        wanted = (REFINE_INPUTS, REFINE_OUTPUTS, True) if self.num_references else (5, 3, False)
        if reads != wanted:
            raise WeightsError(
                f"Expected a trunk with inputs, outputs and skips {wanted}, got {reads}; correct "
                "the spec or take another family."
            )

    @property
    def starts_from_fill(self) -> bool:
        """Whether the network reads evidence instead of black holes."""
        return self.num_references > 0

    @property
    def references(self) -> tuple[int, int]:
        """Frames (past, future) whose pixels enter as candidates."""
        return self.num_references, 0 if self.trunk.shift.causal else self.num_references

    @property
    def far(self) -> tuple[int, int]:
        """How far (past, future) pixels may come from."""
        return self.reach, 0 if self.trunk.shift.causal else self.reach

    @property
    def context(self) -> tuple[int, int]:
        """Frames (past, future) that an output frame depends on, candidates included."""
        past = max(self.references[0], self.far[0])
        future = max(self.references[1], self.far[1])
        return self.trunk.context[0] + past, self.trunk.context[1] + future

    def to_config(self) -> dict[str, object]:
        """Return plain values for a file header; `from_config` reads them back."""
        config = asdict(self)
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
            trunk = dict(values.pop("trunk"))
            shift = dict(trunk.pop("shift"))
            shift["kind"] = ShiftKind(shift["kind"])
            spec = NetworkSpec(trunk=TrunkSpec(shift=ShiftSpec(**shift), **trunk), **values)
            _check_types(spec)
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(
                f"Expected a network configuration written by this package, got one with {error}; "
                "use a file made by `python -m train export` or `lgtsm convert`."
            ) from error
        if spec.family not in FAMILIES:
            raise WeightsError(
                f"Expected one of the families {', '.join(FAMILIES)}, got {spec.family!r}; "
                "update the package or use another file."
            )
        return spec


def _check_types(spec: NetworkSpec) -> None:
    """Compare the types of all values with those of a fresh spec; raises TypeError."""
    fresh = NetworkSpec(family="")
    pairs = ((spec, fresh), (spec.trunk, fresh.trunk), (spec.trunk.shift, fresh.trunk.shift))
    for part, model in pairs:
        for name, value in vars(part).items():
            if type(value) is not type(getattr(model, name)):
                raise TypeError(f"{name} {value!r}")


FAMILIES: MappingProxyType[str, NetworkSpec] = MappingProxyType(
    {
        "lgtsm": NetworkSpec(family="lgtsm"),
        "lgtsm_causal": NetworkSpec(
            family="lgtsm_causal", trunk=TrunkSpec(shift=ShiftSpec(causal=True))
        ),
        "gtsm": NetworkSpec(family="gtsm", trunk=TrunkSpec(shift=ShiftSpec(kind=ShiftKind.FIXED))),
        "refine": NetworkSpec(
            family="refine",
            num_references=8,
            reach=48,
            trunk=TrunkSpec(width=16, inputs=REFINE_INPUTS, outputs=REFINE_OUTPUTS, skips=True),
        ),
    }
)
"""One entry a family, at its published or usual width; sizes vary by `dataclasses.replace`."""
