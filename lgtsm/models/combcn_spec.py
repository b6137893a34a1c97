"""CombCN as data; no torch.

Source: Wang et al. 2019 (AAAI), "Video Inpainting by Jointly Learning Temporal Structure and
Spatial Details": a 3-D network completes the clip at half size, a 2-D one each frame at full size
with that as a guide. Sizes are those of the re-implementation published with LGTSM as a baseline.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from ..errors import WeightsError
from .trunk_spec import MAX_COUNT, ShiftKind, ShiftSpec

INPUTS = 4
"""Masked frame (3) and known mask."""
GUIDE = "incomplete"
"""Name of the half-size video (3 channels) among the features that a layer reads."""


@dataclass(frozen=True)
class CombLayer:
    """One convolution, then ReLU, then batch norm; in 3-D the kernel has the same size in time.

    name: of the layer. outputs: channels in units of the base width; 0 for the 3 output channels.
    kernel, stride, dilation: in space; in time the kernel is as long, stride and dilation are 1.
    transposed: doubles the size in space; the output is cropped to the size of layer `fits`.
    also: layers whose features are appended to the input, in this order.
    last: a convolution without ReLU and batch norm.
    """

    name: str
    outputs: int
    kernel: int = 3
    _: KW_ONLY
    stride: int = 1
    dilation: int = 1
    transposed: bool = False
    fits: str = ""
    also: tuple[str, ...] = ()
    last: bool = False

    @property
    def padding(self) -> int:
        """Zeros on each side, in space."""
        return 1 if self.transposed else (self.kernel - 1) * self.dilation // 2


def _upsampling(name: str, outputs: int, fits: str, *also: str) -> CombLayer:
    """Return a transposed convolution."""
    return CombLayer(name, outputs, 4, stride=2, transposed=True, fits=fits, also=also)


VIDEO_LAYERS: tuple[CombLayer, ...] = (
    CombLayer("video_conv1", 1, 5),
    CombLayer("video_conv2", 2, stride=2),
    CombLayer("video_conv3", 4),
    CombLayer("video_conv4", 8, stride=2),
    CombLayer("video_conv5", 16, dilation=2),
    CombLayer("video_conv6", 16, dilation=4),
    CombLayer("video_conv7", 16, dilation=8),
    CombLayer("video_conv8", 8),
    _upsampling("video_conv9", 4, "video_conv3", "video_conv4"),
    CombLayer("video_conv10", 2, also=("video_conv3",)),
    _upsampling("video_conv11", 1, "video_conv1", "video_conv2"),
    CombLayer("video_conv12", 0, last=True),
)
"""3-D, at half size."""

FRAME_LAYERS: tuple[CombLayer, ...] = (
    CombLayer("frame_conv1", 4, 5),
    CombLayer("frame_conv2", 8, stride=2),
    CombLayer("frame_conv3", 8, also=(GUIDE,)),
    CombLayer("frame_conv4", 16, stride=2),
    CombLayer("frame_conv5", 16),
    CombLayer("frame_conv6", 16),
    CombLayer("frame_conv7", 16, dilation=2),
    CombLayer("frame_conv8", 16, dilation=4),
    CombLayer("frame_conv9", 16, dilation=8),
    CombLayer("frame_conv10", 16, dilation=16, also=("frame_conv7",)),
    CombLayer("frame_conv11", 16, also=("frame_conv6",)),
    CombLayer("frame_conv12", 16, also=("frame_conv5",)),
    _upsampling("frame_conv13", 8, "frame_conv3", "frame_conv4"),
    CombLayer("frame_conv14", 8, also=("frame_conv3",)),
    _upsampling("frame_conv15", 4, "frame_conv1", GUIDE, "frame_conv2"),
    CombLayer("frame_conv16", 2, also=("frame_conv1",)),
    CombLayer("frame_conv17", 0, last=True),
)
"""2-D, at full size."""

COMBCN_LAYERS: tuple[CombLayer, ...] = VIDEO_LAYERS + FRAME_LAYERS


@dataclass(frozen=True, kw_only=True)
class CombCNSpec:
    """Both bodies of CombCN.

    It cannot be streamed layer by layer: `in_windows` makes the engine run windows that overlap by
    `context` in time and by the margins in space.
    """

    width: int = 16
    """Channels of the first half-size layer; the full-size one has four times as many."""

    in_windows = True
    inputs = INPUTS
    outputs = 3
    multiple = 4
    """Height and width must be multiples of this."""
    skips = False
    shift = ShiftSpec(kind=ShiftKind.NONE)
    margin_px = 300
    """Farthest input pixel, per side, that an output pixel can depend on."""
    full_margin_px = 153
    """The same, through the full-size body alone."""
    grid_px = 8
    """Crops whose edges are multiples of this, or the frame's, sample the same strided pixels."""

    def __post_init__(self) -> None:
        """Check the width.

        Raises:
            WeightsError: no channel, or more than `MAX_COUNT` in the widest layer.
        """
        if not 1 <= self.width <= MAX_COUNT // 16:
            raise WeightsError(
                f"Expected a base width of 1 to {MAX_COUNT // 16}, got {self.width}; correct the "
                "spec."
            )

    @property
    def context(self) -> tuple[int, int]:
        """Frames (past, future) that an output frame depends on, through the 3-D body.

        A transposed kernel of 4 with padding 1 reads one frame ahead and two back.
        """
        past = sum(2 if layer.transposed else layer.kernel // 2 for layer in VIDEO_LAYERS)
        future = sum(1 if layer.transposed else layer.kernel // 2 for layer in VIDEO_LAYERS)
        return past, future

    def channels(self, layer: CombLayer) -> tuple[int, int]:
        """Return input and output channels of a layer, appended features included."""
        layers = VIDEO_LAYERS if layer in VIDEO_LAYERS else FRAME_LAYERS
        outputs = {one.name: one.outputs * self.width or 3 for one in layers} | {GUIDE: 3}
        index = layers.index(layer)
        inputs = outputs[layers[index - 1].name] if index else INPUTS
        return inputs + sum(outputs[name] for name in layer.also), outputs[layer.name]
