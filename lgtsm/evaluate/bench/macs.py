"""Multiply-adds of a frame, in the published form and as the engine runs it."""

from __future__ import annotations

from ...box import Box
from ...engine.region import output_size, plan_regions
from ...engine.window_stream import window_regions
from ...models.combcn_spec import FRAME_LAYERS, VIDEO_LAYERS, CombLayer
from ...models.spec import LAYERS, CombCNSpec, LayerSpec, TrunkSpec


def layer_macs(spec: TrunkSpec, layer: LayerSpec, outputs: Box, *, transposed: bool) -> int:
    """Count the multiply-adds of a layer, including its gate if it has one.

    Args:
        spec: the trunk, for the channels.
        layer: the layer.
        outputs: the part of its output that is computed.
        transposed: count upsampling layers as 4x4 transposed convolutions (4 instead of 9 taps a
            pixel), as the engine runs them.
    """
    inputs, channels = spec.channels(layer)
    taps = 4 if layer.upsample and transposed else layer.kernel**2
    return (1 + spec.gated) * spec.kernel_frames * taps * inputs * channels * outputs.area


def frame_macs(spec: TrunkSpec | CombCNSpec, size: tuple[int, int]) -> int:
    """Count the multiply-adds of one whole frame in the published form.

    Args:
        spec: the trunk, or CombCN's bodies.
        size: (height, width), multiples of 4.
    """
    if isinstance(spec, CombCNSpec):
        half = (size[0] // 2, size[1] // 2)
        return _body_macs(spec, VIDEO_LAYERS, half) + _body_macs(spec, FRAME_LAYERS, size)
    total = 0
    for layer in LAYERS:
        size = output_size(layer, size)
        total += layer_macs(spec, layer, Box(0, 0, *size), transposed=False)
    return total


def region_macs(
    spec: TrunkSpec | CombCNSpec, size: tuple[int, int], hole: Box, *, window: float = 1
) -> int:
    """Count the multiply-adds of one frame as the engine runs it for a hole in every frame.

    Args:
        spec: the trunk, or CombCN's bodies.
        size: (height, width) of the frame, multiples of 4.
        hole: the part of the output that is needed.
        window: frames in a window per frame it outputs, for a body that runs in windows.
    """
    if isinstance(spec, CombCNSpec):
        wide, narrow = window_regions(spec, Box(0, 0, *size), hole)
        half = _body_macs(spec, VIDEO_LAYERS, (wide.height // 2, wide.width // 2))
        return int(half * window) + _body_macs(spec, FRAME_LAYERS, (narrow.height, narrow.width))
    regions = plan_regions(spec, size, hole)
    return sum(
        layer_macs(spec, layer, region.outputs, transposed=True)
        for layer, region in zip(LAYERS, regions, strict=True)
    )


def _body_macs(spec: CombCNSpec, layers: tuple[CombLayer, ...], size: tuple[int, int]) -> int:
    """Count the multiply-adds of a frame in one of CombCN's bodies."""
    total, sizes = 0, {}
    for layer in layers:
        if layer.transposed:
            size = sizes[layer.fits]
        else:
            size = (-(-size[0] // layer.stride), -(-size[1] // layer.stride))
        sizes[layer.name] = size
        # every input pixel of a transposed kernel of 4 reaches 4x4 of the doubled output
        taps = 4 if layer.transposed else layer.kernel**2
        taps *= layer.kernel if layers is VIDEO_LAYERS else 1
        inputs, outputs = spec.channels(layer)
        total += taps * inputs * outputs * size[0] * size[1]
    return total
