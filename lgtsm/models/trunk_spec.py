"""Specification of the 17-layer trunk; torch-free.

Layer table, shift and widths: Chang et al. 2019 (LGTSM, BMVC), sections 3.1-3.3, with the sizes of
the published code where paper and code differ (17 layers, strided convolutions, 5x5 first kernel
with padding 1). The 3-D gated network (Chang et al. 2019, ICCV) has the same table with kernels
over three frames.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from ..errors import WeightsError

MAX_COUNT = 4096
"""Upper limit of every count in a spec; a file that claims more is damaged or an attack."""


class ShiftKind(Enum):
    """How a layer receives features of neighbouring frames."""

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
    """Channel groups, each with its own kernel."""
    ratio: float = 0.5
    """Fraction of the channels that is shifted."""
    causal: bool = False
    """Kernels end at the current frame, so that no future frame is read."""
    first_layer: bool = True
    """Whether the first layer is shifted too (not in the paper's LGTSM)."""

    def __post_init__(self) -> None:
        """Check the widths.

        Raises:
            WeightsError: even width, width or groups outside 1..`MAX_COUNT`, ratio outside 0..1.
        """
        counts = 1 <= self.width <= MAX_COUNT and 1 <= self.groups <= MAX_COUNT
        if not counts or self.width % 2 == 0 or not 0 <= self.ratio <= 1:
            raise WeightsError(
                f"Expected an odd shift width, 1 to {MAX_COUNT} groups and a ratio in 0..1, got "
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
        """Return the number of leading channels that one group shifts."""
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
    """Encoder layer whose output is appended to the input in networks with skips."""


LAYERS: tuple[LayerSpec, ...] = (
    # 0: the inputs of conv1 and the outputs of conv11 are channel counts of the family
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
    gated: bool = True
    """Whether every feature convolution has a gate; vanilla layers have none."""
    kernel_frames: int = 1
    """Frames that a kernel covers: 1 is frame by frame (only the shift mixes frames), 3 is a
    convolution in space and time."""
    shift: ShiftSpec = field(default_factory=ShiftSpec)

    in_windows = False
    """Every layer can be streamed; see `engine.trunk_stream`."""
    multiple = 4
    """Height and width must be multiples of this."""
    margin_px = 153
    """Farthest input pixel, per side, that an output pixel can depend on (151 from the edge of a
    region whose edges are multiples of 4)."""

    def __post_init__(self) -> None:
        """Check the widths.

        Raises:
            WeightsError: channels outside 1..`MAX_COUNT`, a base width of 1, or a shift with
                kernels over several frames.
        """
        ends = 1 <= self.inputs <= MAX_COUNT and 1 <= self.outputs <= MAX_COUNT
        if not ends or not 2 <= self.width <= MAX_COUNT:
            raise WeightsError(
                f"Expected a base width of 2 to {MAX_COUNT} and 1 to {MAX_COUNT} inputs and "
                f"outputs, got width {self.width}, inputs {self.inputs}, outputs {self.outputs}; "
                "correct the spec."
            )
        both = self.kernel_frames == 3 and self.shift.kind is not ShiftKind.NONE
        if self.kernel_frames not in (1, 3) or both:
            raise WeightsError(
                "Expected kernels over 1 frame, or over 3 without a shift, got "
                f"{self.kernel_frames} with the shift {self.shift.kind.value!r}; correct the spec."
            )

    @property
    def context(self) -> tuple[int, int]:
        """Frames (past, future) that an output frame depends on."""
        if self.kernel_frames > 1:
            reach = self.kernel_frames // 2 * len(LAYERS)
            return reach, reach
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
        """Return the shift of one layer (none for the first where it is excluded)."""
        if layer is LAYERS[0] and not self.shift.first_layer:
            return replace(self.shift, kind=ShiftKind.NONE)
        return self.shift
