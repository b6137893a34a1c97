"""CombCN as data; no torch.

Source: Wang et al. 2019 (AAAI), "Video Inpainting by Jointly Learning Temporal Structure and
Spatial Details": a 3-D network completes the clip at half size, a 2-D one each frame at full size
with that as a guide. Sizes are those of the re-implementation published with LGTSM as a baseline.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import WeightsError
from .trunk_spec import MOST, ShiftKind, ShiftSpec

INPUTS = 4
"""Masked frame (3) and known mask."""
GUIDE = "incomplete"
"""Stands for the half-size video (3 channels) among the features that a layer reads."""


@dataclass(frozen=True, kw_only=True)
class CombLayer:
    """One convolution, then ReLU, then batch norm; in 3-D the kernel has the same size in time.

    name: of the layer; outputs: channels, in units of the base width (12 and 17 end in 3 channels).
    kernel, stride, dilation: in space; in time the kernel is as long, stride and dilation are 1.
    transposed: doubles the size in space; its output is cut to that of `fits`.
    also: what is appended to the features that arrive, in this order.
    last: a convolution alone, to 3 channels.
    """

    name: str
    outputs: int
    kernel: int = 3
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


VIDEO_LAYERS: tuple[CombLayer, ...] = (
    CombLayer(name="video_conv1", outputs=1, kernel=5),
    CombLayer(name="video_conv2", outputs=2, stride=2),
    CombLayer(name="video_conv3", outputs=4),
    CombLayer(name="video_conv4", outputs=8, stride=2),
    CombLayer(name="video_conv5", outputs=16, dilation=2),
    CombLayer(name="video_conv6", outputs=16, dilation=4),
    CombLayer(name="video_conv7", outputs=16, dilation=8),
    CombLayer(name="video_conv8", outputs=8),
    CombLayer(
        name="video_conv9",
        outputs=4,
        kernel=4,
        stride=2,
        transposed=True,
        fits="video_conv3",
        also=("video_conv4",),
    ),
    CombLayer(name="video_conv10", outputs=2, also=("video_conv3",)),
    CombLayer(
        name="video_conv11",
        outputs=1,
        kernel=4,
        stride=2,
        transposed=True,
        fits="video_conv1",
        also=("video_conv2",),
    ),
    CombLayer(name="video_conv12", outputs=0, last=True),
)
"""3-D, at half size."""

FRAME_LAYERS: tuple[CombLayer, ...] = (
    CombLayer(name="frame_conv1", outputs=4, kernel=5),
    CombLayer(name="frame_conv2", outputs=8, stride=2),
    CombLayer(name="frame_conv3", outputs=8, also=(GUIDE,)),
    CombLayer(name="frame_conv4", outputs=16, stride=2),
    CombLayer(name="frame_conv5", outputs=16),
    CombLayer(name="frame_conv6", outputs=16),
    CombLayer(name="frame_conv7", outputs=16, dilation=2),
    CombLayer(name="frame_conv8", outputs=16, dilation=4),
    CombLayer(name="frame_conv9", outputs=16, dilation=8),
    CombLayer(name="frame_conv10", outputs=16, dilation=16, also=("frame_conv7",)),
    CombLayer(name="frame_conv11", outputs=16, also=("frame_conv6",)),
    CombLayer(name="frame_conv12", outputs=16, also=("frame_conv5",)),
    CombLayer(
        name="frame_conv13",
        outputs=8,
        kernel=4,
        stride=2,
        transposed=True,
        fits="frame_conv3",
        also=("frame_conv4",),
    ),
    CombLayer(name="frame_conv14", outputs=8, also=("frame_conv3",)),
    CombLayer(
        name="frame_conv15",
        outputs=4,
        kernel=4,
        stride=2,
        transposed=True,
        fits="frame_conv1",
        also=(GUIDE, "frame_conv2"),
    ),
    CombLayer(name="frame_conv16", outputs=2, also=("frame_conv1",)),
    CombLayer(name="frame_conv17", outputs=0, last=True),
)
"""2-D, at full size."""

COMBCN_LAYERS: tuple[CombLayer, ...] = VIDEO_LAYERS + FRAME_LAYERS


@dataclass(frozen=True, kw_only=True)
class CombCNSpec:
    """Both bodies of CombCN.

    It cannot be streamed layer by layer: `in_windows` tells the engine to run windows that overlap
    by `context` in time and by the margins in space instead.
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
    """The same through the full-size body alone."""
    grid_px = 8
    """A part of a frame whose edges are multiples of this, or the frame's, meets the same strides."""

    def __post_init__(self) -> None:
        """Check the width.

        Raises:
            WeightsError: no channel, or absurdly many.
        """
        if not 1 <= self.width <= MOST // 16:
            raise WeightsError(
                f"Expected a base width of 1 to {MOST // 16}, got {self.width}; correct the spec."
            )

    @property
    def context(self) -> tuple[int, int]:
        """Frames (past, future) that an output frame depends on, all through the 3-D body.

        A transposed kernel of 4 with padding 1 reads one frame ahead and two back.
        """
        past = sum(2 if layer.transposed else layer.kernel // 2 for layer in VIDEO_LAYERS)
        future = sum(1 if layer.transposed else layer.kernel // 2 for layer in VIDEO_LAYERS)
        return past, future

    def channels(self, layer: CombLayer) -> tuple[int, int]:
        """Return input and output channels of a layer, what is appended included."""
        layers = VIDEO_LAYERS if layer in VIDEO_LAYERS else FRAME_LAYERS
        outputs = {one.name: one.outputs * self.width or 3 for one in layers} | {GUIDE: 3}
        place = layers.index(layer)
        inputs = outputs[layers[place - 1].name] if place else INPUTS
        return inputs + sum(outputs[name] for name in layer.also), outputs[layer.name]
